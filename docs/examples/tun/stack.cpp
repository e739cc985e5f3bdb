// SPDX-License-Identifier: MIT
#include "stack.hpp"

#include <tcpfsm/address_text.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <random>
#include <stdexcept>

namespace tun {
namespace {

constexpr std::size_t connections = 256;
constexpr std::size_t batch = 64;  // packets in one direction before it is the other's turn
constexpr auto grace = std::chrono::seconds{3};

tcpfsm::hash_key random_key() {
    std::random_device source;
    tcpfsm::hash_key key;
    std::generate(key.begin(), key.end(), [&] { return static_cast<std::uint8_t>(source()); });
    return key;
}

/// The other direction has other bad luck.
impairments other_way(impairments link) {
    link.seed += 0x9e3779b97f4a7c15U;
    return link;
}

}  // namespace

/// What the host needs for so many connections. Buffers that no connection uses are never touched.
class stack::memory {
public:
    explicit memory(std::size_t buffer)
        : size_{connections * 2 * buffer}, octets_{std::make_unique_for_overwrite<std::uint8_t[]>(size_)} {}
    [[nodiscard]] tcpfsm::basic_host_memory<policies> all() {
        return {slots_, deadlines_, cells_, {octets_.get(), size_}, listeners_};
    }

private:
    std::vector<tcpfsm::slot<policies>> slots_{connections};
    std::vector<tcpfsm::deadline_cell> deadlines_{connections};
    std::vector<tcpfsm::demultiplexer_cell> cells_{2 * connections};
    std::vector<tcpfsm::listener> listeners_{1};
    std::size_t size_;
    std::unique_ptr<std::uint8_t[]> octets_;
};

stack::stack(const settings& s)
    : addresses_{s.addresses},
      wants_stats_{s.stats},
      asks_for_ecn_{s.ecn},
      device_{s.device},
      capture_{s.capture},
      in_{s.link, [this](auto packet) { receive(packet); }},
      out_{other_way(s.link), [this](auto packet) { transmit(packet); }},
      memory_{std::make_unique<memory>(s.buffer)},
      host_{{.secret = random_key(),
             .mtu = s.mtu,
             .snd_buff = static_cast<std::uint32_t>(s.buffer),
             .rcv_buff = static_cast<std::uint32_t>(s.buffer),
             .is_local = is_ours,
             .context = this},
            memory_->all()},
      packet_(65536) {}

stack::~stack() = default;

tcpfsm::time_point stack::now() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return tcpfsm::time_point{std::chrono::duration_cast<tcpfsm::duration>(since)};
}

bool stack::is_ours(void* self, const tcpfsm::ip_address& address) {
    const auto& all = static_cast<stack*>(self)->addresses_;
    return std::find(all.begin(), all.end(), address) != all.end();
}

int stack::run(application& app) {
    app_ = &app;
    readable_.assign(device_.native_handle());
    wait_for_packets();
    wait_for_signals();
    turn();
    io_.run();
    readable_.release();
    while (write_some()) {
    }  // resets of what is given up
    capture_.flush();
    if (wants_stats_) print_stats();
    return code_;
}

void stack::leave(int code) {
    if (!leaving_) code_ = code;
    leaving_ = true;
    if (flows_.empty()) return io_.stop();
    grace_.expires_after(grace);
    grace_.async_wait([this](const asio::error_code& stopped) {
        if (stopped) return;
        for (auto& [slot, tcp] : flows_) tcp.abort();
        io_.stop();
    });
}

void stack::listen(std::uint16_t port) { listener_ = host_.listen({.port = port, .backlog = connections}); }

void stack::unlisten() {
    if (listener_) host_.unlisten(*listener_, now());
}

void stack::connect(const tcpfsm::endpoint& server) {
    const auto same = [&](const auto& address) { return address.family() == server.address.family(); };
    const auto local = std::find_if(addresses_.begin(), addresses_.end(), same);
    if (local == addresses_.end()) throw std::runtime_error{"no --address of the family of " + text_of(server)};
    const tcpfsm::parameters how{.ecn = asks_for_ecn_ ? tcpfsm::ecn_wish::ask : tcpfsm::ecn_wish::accept};
    const auto begun = host_.connect(server, {*local, 0}, now(), how);
    if (begun.says != tcpfsm::answer::ok)
        throw std::runtime_error{"no connection to " + text_of(server) + " can begin"};
    flows_.insert_or_assign(begun.of.place, flow{*this, begun.of});
}

/// All that can be done now: packets in, news, packets out.
void stack::turn() {
    const bool more_in = read_some();
    const auto t = now();
    in_.handle_timeout(t);
    out_.handle_timeout(t);
    host_.handle_timeout(t);
    react();
    const bool more_out = write_some();
    react();
    if (leaving_ && flows_.empty()) return io_.stop();
    if (more_in || more_out) {
        asio::post(io_, [this] { turn(); });
    } else {
        wait_for_time();
    }
}

bool stack::read_some() {
    for (std::size_t i = 0; i < batch; ++i) {
        const std::size_t size = device_.read(packet_);
        if (size == 0) return false;
        in_.pass(std::span{packet_}.first(size), now());
        react();
        write_some();
    }
    return true;
}

bool stack::write_some() {
    for (std::size_t i = 0; i < batch; ++i) {
        const auto t = now();
        const std::size_t size = host_.poll_packet(packet_, t);
        if (size == 0) return false;
        out_.pass(std::span{packet_}.first(size), t);
    }
    return true;
}

void stack::receive(std::span<const std::uint8_t> packet) {
    const auto t = now();
    capture_.add(packet, t);
    const auto what = host_.handle_packet(packet, t);
    if (what.fate == tcpfsm::fate::bad_packet) ++malformed_;
    if (what.fate != tcpfsm::fate::bad_segment) return;
    ++(what.wire_error == tcpfsm::wire_error::bad_checksum ? bad_sums_ : malformed_);
}

void stack::transmit(std::span<const std::uint8_t> packet) {
    capture_.add(packet, now());
    if (!device_.write(packet)) ++out_.lost;
}

void stack::react() {
    while (const auto told = host_.poll_event()) react(*told);
}

void stack::react(const tcpfsm::host_event& told) {
    using tcpfsm::news;
    const std::uint32_t slot = told.of.place;
    if (told.what == news::accepted || told.what == news::opened) {
        flows_.insert_or_assign(slot, flow{*this, told.of});
        ++opened_;
        app_->opened(flows_.at(slot));
    }
    const auto found = flows_.find(slot);
    if (found == flows_.end() || found->second.handle() != told.of) return;
    app_->turn(found->second);
    const bool over = tcpfsm::is_end(told.what) || host_.stream(told.of) == nullptr;
    if (over) end(slot, name(told.what));
}

void stack::end(std::uint32_t slot, std::string_view why) {
    flow tcp = flows_.at(slot);
    flows_.erase(slot);
    app_->ended(tcp, why);
    (void)host_.release(tcp.handle(), now());
}

void stack::wait_for_packets() {
    readable_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& stopped) {
        if (stopped) return;
        turn();
        wait_for_packets();
    });
}

void stack::wait_for_time() {
    const auto due = std::min({host_.poll_timeout(), in_.poll_timeout(), out_.poll_timeout()});
    if (due == armed_) return;
    armed_ = due;
    if (due == tcpfsm::never) {
        timer_.cancel();
        return;
    }
    timer_.expires_at(std::chrono::steady_clock::time_point{due.time_since_epoch()});
    timer_.async_wait([this](const asio::error_code& stopped) {
        if (stopped) return;
        armed_ = tcpfsm::never;
        turn();
    });
}

void stack::wait_for_signals() {
    signals_.async_wait([this](const asio::error_code& stopped, int which) {
        if (stopped) return;
        if (which == SIGUSR1) {
            capture_.flush();
            print_stats();
        } else if (leaving_) {
            return io_.stop();  // the second time at once
        } else {
            app_->stop();
            turn();
        }
        wait_for_signals();
    });
}

std::string text_of(const tcpfsm::endpoint& e) {
    std::array<char, tcpfsm::address_text_size> text{};
    const std::string_view address{text.data(), tcpfsm::write_text(e.address, text)};
    return e.address.is_v4() ? fmt::format("{}:{}", address, e.port) : fmt::format("[{}]:{}", address, e.port);
}

void stack::print_stats() {
    const auto line = [](std::string_view what, std::uint64_t n) { fmt::print(stderr, "  {:<24} {}\n", what, n); };
    fmt::print(stderr, "statistics\n");
    line("connections", flows_.size());
    line("connections opened", opened_);
    for (const auto s : {tcpfsm::state::established, tcpfsm::state::fin_wait_1, tcpfsm::state::fin_wait_2,
                         tcpfsm::state::closing, tcpfsm::state::close_wait, tcpfsm::state::last_ack}) {
        const auto in_it = [&](const auto& each) {
            const auto* stream = host_.stream(each.second.handle());
            return stream != nullptr && stream->at() == s;
        };
        line(fmt::format("in {}", name(s)),
             static_cast<std::uint64_t>(std::count_if(flows_.begin(), flows_.end(), in_it)));
    }
    line("slots in use", host_.used());  // those in TIME-WAIT have no user any more
    for (const auto& [way, link] : {std::pair{"in", &in_}, std::pair{"out", &out_}}) {
        line(fmt::format("packets {}", way), link->passed);
        line(fmt::format("packets {}, lost", way), link->lost);
        line(fmt::format("packets {}, reordered", way), link->reordered);
        line(fmt::format("packets {}, doubled", way), link->duplicated);
        line(fmt::format("packets {}, marked", way), link->marked);
    }
    line("path MTU lowered", host_.count(tcpfsm::fate::path_narrowed));
    line("path MTU waits", host_.count(tcpfsm::fate::too_big_waits));
    line("path MTU told in vain", host_.count(tcpfsm::fate::too_big_ignored));
    line("malformed packets", malformed_);
    line("bad checksums", bad_sums_);
    fmt::print(stderr, "end of statistics\n");
    std::fflush(stderr);
}

std::span<const std::uint8_t> flow::peek() const { return net_->host_.peek(handle_); }
void flow::consume(std::size_t n) {
    if (n != 0) (void)net_->host_.consume(handle_, n, stack::now());
}
std::span<std::uint8_t> flow::reserve() { return net_->host_.reserve(handle_); }
void flow::commit(std::size_t n) { (void)net_->host_.commit(handle_, n, stack::now()); }
void flow::close() { (void)net_->host_.close(handle_, stack::now()); }
void flow::abort() { (void)net_->host_.abort(handle_, stack::now()); }
bool flow::at_end() const {
    constexpr auto more_may_come = tcpfsm::states::accepting | tcpfsm::state::syn_sent | tcpfsm::state::syn_received;
    const auto* stream = net_->host_.stream(handle_);
    return stream == nullptr || (stream->readable() == 0 && !stream->in(more_may_come));
}

}  // namespace tun
