// SPDX-License-Identifier: MIT
// stack_of.hpp: a host with any policies, as persona.hpp wants it.
#pragma once

#include "persona.hpp"

#include <tcpfsm/congestion/cubic.hpp>

#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace packetdrill {

/// New Reno or CUBIC, as the flag `cc` says: the same for all connections of a run.
template <class Reno, class Cubic>
class either {
public:
    static inline bool cubic = false;

    [[nodiscard]] constexpr std::uint32_t window() const noexcept { return cubic ? cubic_.window() : reno_.window(); }
    [[nodiscard]] constexpr std::uint32_t threshold() const noexcept {
        return cubic ? cubic_.threshold() : reno_.threshold();
    }
    constexpr void begin(const tcpfsm::path& p, bool syn_was_lost) noexcept {
        tell([&](auto& c) { c.begin(p, syn_was_lost); });
    }
    constexpr void acked(const tcpfsm::path& p, std::uint32_t octets) noexcept {
        tell([&](auto& c) { c.acked(p, octets); });
    }
    constexpr void lost(const tcpfsm::path& p) noexcept {
        tell([&](auto& c) { c.lost(p); });
    }
    constexpr void marked(const tcpfsm::path& p) noexcept {
        tell([&](auto& c) { c.marked(p); });
    }
    constexpr void duplicate(const tcpfsm::path& p) noexcept {
        tell([&](auto& c) { c.duplicate(p); });
    }
    constexpr void partly_acked(const tcpfsm::path& p, std::uint32_t octets) noexcept {
        tell([&](auto& c) { c.partly_acked(p, octets); });
    }
    constexpr void recovered(const tcpfsm::path& p) noexcept {
        tell([&](auto& c) { c.recovered(p); });
    }
    constexpr void timed_out(const tcpfsm::path& p, bool first) noexcept {
        tell([&](auto& c) { c.timed_out(p, first); });
    }
    constexpr void was_idle(const tcpfsm::path& p) noexcept {
        tell([&](auto& c) { c.was_idle(p); });
    }
    constexpr void resegmented(const tcpfsm::path& p, std::uint32_t before) noexcept {
        tell([&](auto& c) { c.resegmented(p, before); });
    }
    constexpr void restore(const either& before, const tcpfsm::path& p) noexcept {
        cubic ? cubic_.restore(before.cubic_, p) : reno_.restore(before.reno_, p);
    }
    friend constexpr bool operator==(const either&, const either&) noexcept = default;

private:
    template <class Tell>
    constexpr void tell(Tell with) noexcept {
        cubic ? with(cubic_) : with(reno_);
    }
    Reno reno_;
    Cubic cubic_;
};
using reno_or_cubic = either<tcpfsm::new_reno, tcpfsm::cubic>;

/// What all looks have. The members that are not constant are set by flags, before the first connection begins.
struct common_policies : tcpfsm::policies {
    using congestion = reno_or_cubic;
    static inline bool rfc5961 = true;
    static inline bool rfc1337 = false;
    static inline bool sack = true;
    static inline bool timestamps = true;
    static inline bool window_scale = true;
    static constexpr bool fast_open = true;
    static constexpr tcpfsm::ecn_mode ecn = tcpfsm::ecn_mode::classic;
    static constexpr unsigned natural_shift = 0;  ///< the window scale that is offered
    static constexpr std::size_t reassembly_ranges = 64;
};

/// The library as it is.
struct rfc_policies : common_policies {
    static constexpr std::size_t reassembly_ranges = tcpfsm::policies::reassembly_ranges;
};

inline constexpr std::size_t connections = 16;
inline constexpr std::size_t listeners = 8;
inline constexpr std::uint32_t send_buffer = 4U << 20U;

/// Half of the buffer that has this shift as its least one, and a half more: 15 MiB for a shift of 8.
constexpr std::uint32_t receive_buffer(unsigned shift) { return shift == 0 ? 65535U : 61440U << shift; }

/// The host and its memory. Buffers that no connection uses are never touched.
template <class Policies>
class basic_stack final : public stack {
public:
    explicit basic_stack(const settings& how)
        : receive_{receive_buffer(how.wscale.value_or(Policies::natural_shift))},
          octets_{std::make_unique_for_overwrite<std::uint8_t[]>(connections * room())},
          host_{config(how), {slots_, deadlines_, cells_, {octets_.get(), connections * room()}, listeners_}} {}

    void set(const settings& how) override {
        Policies::rfc5961 = how.rfc5961;
        Policies::rfc1337 = how.rfc1337;
        Policies::sack = how.sack;
        Policies::timestamps = how.timestamps;
        Policies::window_scale = how.wscale != 0U;
        common_key_ = how.fast_open_key;
        without_cookie_ = (how.fast_open & 0x200U) != 0;
        if constexpr (requires { Policies::congestion::cubic; }) Policies::congestion::cubic = how.cubic;
        if constexpr (requires { Policies::congestion::shrinks_when_idle; })
            Policies::congestion::shrinks_when_idle = how.shrinks_when_idle;
    }
    void handle_packet(std::span<const std::uint8_t> octets, tcpfsm::time_point now) override {
        (void)host_.handle_packet(octets, now);
    }
    std::size_t poll_packet(std::span<std::uint8_t> out, tcpfsm::time_point now) override {
        return host_.poll_packet(out, now);
    }
    void handle_timeout(tcpfsm::time_point now) override { host_.handle_timeout(now); }
    [[nodiscard]] tcpfsm::time_point poll_timeout() const override { return host_.poll_timeout(); }
    std::optional<tcpfsm::host_event> poll_event() override { return host_.poll_event(); }

    std::optional<tcpfsm::listener_id> listen(const tcpfsm::listener_options& options) override {
        return host_.listen(options);
    }
    void unlisten(tcpfsm::listener_id id, tcpfsm::time_point now) override { host_.unlisten(id, now); }
    void set_cookie_keys(std::uint16_t port, std::vector<tcpfsm::hash_key> keys) override {
        keys_[port] = std::move(keys);
    }
    tcpfsm::connecting connect(const tcpfsm::endpoint& remote, const tcpfsm::endpoint& local, tcpfsm::time_point now,
                               const tcpfsm::parameters& how) override {
        return host_.connect(remote, local, now, how);
    }
    tcpfsm::connecting connect_fast(const tcpfsm::endpoint& remote, const tcpfsm::endpoint& local,
                                    tcpfsm::time_point now, const tcpfsm::fast_open_cookie& cookie, std::uint16_t mss,
                                    const tcpfsm::parameters& how) override {
        return host_.connect_fast(remote, local, now, cookie, mss, how);
    }
    tcpfsm::moved send(tcpfsm::handle h, std::span<const std::uint8_t> text, tcpfsm::time_point now) override {
        return host_.send(h, text, now);
    }
    tcpfsm::moved receive(tcpfsm::handle h, std::span<std::uint8_t> into, tcpfsm::time_point now) override {
        return host_.receive(h, into, now);
    }
    [[nodiscard]] std::span<const std::uint8_t> peek(tcpfsm::handle h) const override { return host_.peek(h); }
    void close(tcpfsm::handle h, tcpfsm::time_point now) override { (void)host_.close(h, now); }
    void abort(tcpfsm::handle h, tcpfsm::time_point now) override { (void)host_.abort(h, now); }
    void release(tcpfsm::handle h, tcpfsm::time_point now) override { (void)host_.release(h, now); }
    void set_nagle(tcpfsm::handle h, bool on) override { (void)host_.set_nagle(h, on); }
    void set_keep_alive(tcpfsm::handle h, tcpfsm::duration idle) override { (void)host_.set_keep_alive(h, idle); }
    void set_user_timeout(tcpfsm::handle h, tcpfsm::duration d) override { (void)host_.set_user_timeout(h, d); }
    void set_dscp(tcpfsm::handle h, std::uint8_t six_bits) override { (void)host_.set_dscp(h, six_bits); }
    void set_hop_limit(tcpfsm::handle h, std::uint8_t hops) override { (void)host_.set_hop_limit(h, hops); }

    [[nodiscard]] std::optional<vitals> look_at(tcpfsm::handle h) const override {
        const auto* stream = host_.stream(h);
        if (stream == nullptr) return std::nullopt;
        const auto& t = stream->tcp().numbers();
        return vitals{.at = stream->at(),
                      .snd = t.snd,
                      .rcv = t.rcv,
                      .rtt = t.rtt,
                      .recovery = t.recovery,
                      .rto = t.rto(),
                      .congestion_window = t.window(),
                      .threshold = t.congestion.threshold(),
                      .readable = stream->readable(),
                      .writable = stream->writable(),
                      .sack_ok = t.sack_ok,
                      .scale_ok = t.scale_ok,
                      .timestamps_on = t.ts.on,
                      .limited_by_peer = t.snd.unsent() != 0 && t.snd.usable(t.snd.nxt) < t.snd.mss &&
                                         t.in_flight() + t.snd.mss <= t.window(),
                      .opened_fast = stream->tcp().fast_open(),
                      .came_fast = t.opening.trusts(),
                      .selective = selective_vitals(t)};
    }
    [[nodiscard]] static std::optional<vitals::selective_part> selective_vitals(const tcpfsm::tcb<Policies>& t) {
        if (!t.selective()) return std::nullopt;
        const auto& board = t.sent.board;
        vitals::selective_part got{t.sent.now, board.sacked(), board.lost(), 0, t.sent.rack.min_rtt()};
        tcpfsm::seq left = board.begin();
        for (std::size_t i = 0; i < board.size(); left = board[i++].end) {
            if (board[i].again && board[i].in_flight()) got.again += board[i].end - left;
        }
        return got;
    }
    [[nodiscard]] std::optional<tcpfsm::four_tuple> between(tcpfsm::handle h) const override {
        return host_.between(h);
    }

private:
    [[nodiscard]] std::size_t room() const { return std::size_t{send_buffer} + receive_; }
    [[nodiscard]] tcpfsm::host_config config(const settings& how) {
        set(how);
        tcpfsm::hash_key secret{};
        secret[0] = 0x5a;  // scripts are to run the same way every time
        return {.secret = secret,
                .mtu = how.mtu,
                .snd_buff = send_buffer,
                .rcv_buff = receive_,
                .cookie_maker = make_cookies,
                .context = this};
    }
    /// Cookies as Linux makes them: SipHash of the client's address and ours; IPv6 addresses follow each other as well.
    [[nodiscard]] static tcpfsm::fast_open_cookie make_cookie(const tcpfsm::hash_key& key,
                                                              const tcpfsm::four_tuple& between) {
        std::vector<std::uint8_t> both;
        for (const auto& address : {between.remote.address, between.local.address}) {
            const auto octets = address.octets();
            both.insert(both.end(), octets.begin(), octets.end());
        }
        std::uint64_t rest = tcpfsm::siphash(key, both);
        tcpfsm::fast_open_cookie cookie{.size = sizeof rest};
        for (std::size_t i = 0; i < cookie.size; ++i, rest >>= 8U)
            cookie.octets[i] = static_cast<std::uint8_t>(rest & 0xffU);
        return cookie;
    }
    static tcpfsm::fast_open_grant make_cookies(void* context, const tcpfsm::four_tuple& between) {
        const auto& self = *static_cast<const basic_stack*>(context);
        const auto own = self.keys_.find(between.local.port);
        const bool has = own != self.keys_.end() && !own->second.empty();
        tcpfsm::fast_open_grant out{.cookie = make_cookie(has ? own->second[0] : self.common_key_, between),
                                    .without_cookie = self.without_cookie_};
        if (has && own->second.size() > 1) out.older = make_cookie(own->second[1], between);
        return out;
    }

    std::uint32_t receive_;
    tcpfsm::hash_key common_key_{};
    bool without_cookie_ = false;
    std::map<std::uint16_t, std::vector<tcpfsm::hash_key>> keys_{};
    std::vector<tcpfsm::slot<Policies>> slots_{connections};
    std::vector<tcpfsm::deadline_cell> deadlines_{connections};
    std::vector<tcpfsm::demultiplexer_cell> cells_{2 * connections};
    std::vector<tcpfsm::listener> listeners_{listeners};
    std::unique_ptr<std::uint8_t[]> octets_;
    tcpfsm::basic_host<Policies> host_;
};

}  // namespace packetdrill
