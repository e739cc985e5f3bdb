// SPDX-License-Identifier: MIT
// parsing.cpp: bugs of parsers and of length arithmetic, M01 to M14.

#include <museum/exhibit.hpp>
#include <support/catch.hpp>
#include <support/states.hpp>
#include <support/subject.hpp>

#include <tcpfsm/format.hpp>
#include <tcpfsm/ip.hpp>
#include <tcpfsm/wire.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <span>
#include <string>
#include <vector>

// A parser of octets has no policies. So the exhibits are templates over the parser, and the mutant is a parser
// that is right but for one bug; without the bug it passes, too, which shows that it is the bug that is caught.
// A mutant reads through `watched`, which counts a look outside instead of taking it. Ours reads vectors of
// exactly the right size: in the compiler, which allows no look outside, and at run time, where ASan sees one.

namespace {

using namespace tcpfsm;
using namespace tcpfsm::test;
using namespace tcpfsm::museum;
using enum tcpfsm::state;
using enum tcpfsm::signal;

// --- Segments as octets -----------------------------------------------------------------------------------

using octets = std::vector<std::uint8_t>;

/// The octet `o`, `n` times. (Clang 14 cannot make such a vector at once in the compiler.)
constexpr octets repeated(std::size_t n, std::uint8_t o) {
    octets out;
    while (out.size() < n) out.push_back(o);
    return out;
}

/// A header of `words` words as it says of itself, with these options, and as long as the options are. The
/// numbers are those of the world.
constexpr octets header(const world& w, control bits, std::size_t words, const octets& options) {
    octets out = repeated(tcp_header_size, 0);
    store16(&out[0], 40000);
    store16(&out[2], 80);
    store32(&out[4], w.peers.value());
    store32(&out[8], w.ours.value());
    store16(&out[12], static_cast<std::uint16_t>(words << 12 | bits.bits()));
    store16(&out[14], 65535);
    for (const std::uint8_t o : options) out.push_back(o);
    return out;
}
/// A SYN with these options and no text. They must fill whole words.
constexpr octets syn_with(const world& w, const octets& options) {
    return header(w, ctl::syn, (tcp_header_size + options.size()) / 4, options);
}

/// What a parser makes of octets.
struct reading {
    bool ended = true;      ///< it came to an end
    bool taken = false;     ///< it takes the octets for a segment
    control bits{};         ///< the control bits that it has read
    std::size_t text = 0;   ///< octets of text
    unsigned outside = 0;   ///< looks outside the octets, and what was stored outside of its place
    tcpfsm::options got{};  ///< the options
};

struct ours {
    static constexpr reading read(std::span<const std::uint8_t> from) {
        const parsed p = parse_tcp(from, {}, {}, checksum_mode::trust);
        reading out{.taken = p.error == wire_error::none, .bits = p.segment.ctl, .got = p.segment.options};
        out.text = p.text.size();
        return out;
    }
};

enum class bug {
    none,
    trusts_size,              ///< a header is there because a packet is
    trusts_offset,            ///< the data offset leads to the text, wherever that is
    flags_come_first,         ///< the control bits are looked at before the offset is
    length_0_stays,           ///< the length is added to the place unseen
    length_1_goes_back,       ///< the length less two is added to the place behind kind and length
    options_have_no_end,      ///< an option is as long as it says
    sack_is_read_by_blocks,   ///< blocks are taken until the length is used up
    unknown_option_is_copied  ///< what is not understood goes to a buffer of 16 octets
};

/// Octets with a guard before and behind them.
class watched {
public:
    constexpr explicit watched(std::span<const std::uint8_t> from) : from_{from} {}
    constexpr std::uint8_t operator[](std::size_t i) {
        if (i < from_.size()) return from_[i];
        ++outside_;
        return 0;
    }
    constexpr std::uint32_t four(std::size_t i) {
        std::uint32_t out = 0;
        for (std::size_t k = 0; k < 4; ++k) out = out << 8 | (*this)[i + k];
        return out;
    }
    [[nodiscard]] constexpr unsigned outside() const { return outside_; }

private:
    std::span<const std::uint8_t> from_;
    unsigned outside_ = 0;
};

/// A parser as many wrote it, with at most one bug.
template <bug B>
struct naive {
    static constexpr reading read(std::span<const std::uint8_t> from) {
        watched in{from};
        reading out;
        walk(in, from.size(), out);
        out.outside += in.outside();
        return out;
    }

private:
    static constexpr void walk(watched& in, std::size_t size, reading& out) {
        if (B != bug::trusts_size && size < 20) return;
        if (B == bug::flags_come_first) out.bits = control{in[13]};
        const std::size_t end = std::size_t{in[12]} / 16 * 4;
        if (B != bug::trusts_offset && (end < 20 || end > size)) return;
        out.bits = control{in[13]};
        out.text = size - end;
        unsigned steps = 0;
        for (std::size_t at = 20; at < end;) {
            if (++steps > 40) {
                out.ended = false;
                return;
            }
            const std::uint8_t kind = in[at];
            if (kind == 0) break;
            if (kind == 1) {
                ++at;
                continue;
            }
            if (B != bug::options_have_no_end && end - at < 2) return;
            const std::size_t length = in[at + 1];
            const std::size_t least = B == bug::length_0_stays ? 0 : B == bug::length_1_goes_back ? 1 : 2;
            if (length < least || (B == bug::length_0_stays && length == 1)) return;
            if (B != bug::options_have_no_end && length > end - at) return;
            take(in, kind, at + 2, length, out);
            at += length;
        }
        out.taken = true;
    }
    static constexpr void take(watched& in, std::uint8_t kind, std::size_t at, std::size_t length, reading& out) {
        options& got = out.got;
        if (kind == 2 && length == 4) {
            got.has_mss = true;
            got.mss = static_cast<std::uint16_t>(in[at] << 8 | in[at + 1]);
        } else if (kind == 3 && length == 3) {
            got.has_window_scale = true;
            got.window_scale = in[at];
        } else if (kind == 5) {
            const bool sound = length > 2 && length % 8 == 2 && length <= 34;
            if (!sound && B != bug::sack_is_read_by_blocks && B != bug::options_have_no_end) return;
            for (std::size_t used = 2; used < length; used += 8, at += 8) {
                const sack_block block{seq{in.four(at)}, seq{in.four(at + 4)}};
                if (got.sack_count == got.sack.size()) {
                    ++out.outside;
                } else {
                    got.sack[got.sack_count++] = block;
                }
            }
        } else if (B == bug::unknown_option_is_copied && length > 18) {
            out.outside += static_cast<unsigned>(length) - 18;
        }
    }
};

/// An exhibit is shown to ours, in the compiler and in all worlds at run time, and to the parser without a bug. True
/// iff it fails with the one that has this bug.
template <bug Bug, class Exhibit>
bool shown_and_caught(Exhibit, where line = where::here()) {
    static_assert(Exhibit{}(ours{}, worlds[3]));
    everywhere([](const world& w) { return Exhibit{}(ours{}, w); });
    everywhere([](const world& w) { return Exhibit{}(naive<bug::none>{}, w); });
    return caught([] { everywhere([](const world& w) { return Exhibit{}(naive<Bug>{}, w); }); }, line);
}

// --- M01, M02: the length octet ---------------------------------------------------------------------------

constexpr auto length_0 = []<class Parser>(Parser, const world& w) {
    for (unsigned kind = 2; kind < 256; ++kind) {
        const auto k = static_cast<std::uint8_t>(kind);
        for (const octets& options : {octets{k, 0, 0, 0}, octets{1, 1, k, 0}, octets{2, 4, 5, 0xb4, k, 0, 3, 3}}) {
            const reading got = Parser::read(syn_with(w, options));
            expect(got.ended, "an option of length 0 is never left");
            expect(!got.taken, "an option of length 0 is taken");
        }
    }
    return true;
};
TEST_CASE("An option of length 0 does not keep the parser for ever", "[M01]") {
    CHECK(shown_and_caught<bug::length_0_stays>(length_0));
}

constexpr auto length_1 = []<class Parser>(Parser, const world& w) {
    for (unsigned kind = 2; kind < 256; ++kind) {
        const reading got = Parser::read(syn_with(w, {static_cast<std::uint8_t>(kind), 1, 1, 1}));
        expect(got.ended && !got.taken, "an option of length 1 is taken");
    }
    return true;
};
TEST_CASE("An option of length 1 does not lead the parser back into itself", "[M02]") {
    CHECK(shown_and_caught<bug::length_1_goes_back>(length_1));
}

// --- M03 to M07: lengths that are not true ----------------------------------------------------------------

constexpr auto option_past_the_end = []<class Parser>(Parser, const world& w) {
    for (const octets& options : {octets{2, 40, 5, 0xb4}, octets{5, 10, 0, 0}, octets{1, 1, 5, 10}, octets{1, 1, 1, 8},
                                  octets{1, 1, 1, 2}, octets{3, 3, 7, 254}}) {
        const reading got = Parser::read(syn_with(w, options));
        expect(got.outside == 0, "an option is read beyond the end of the header");
        expect(!got.taken, "an option that runs past the data offset is taken");
    }
    return true;
};
TEST_CASE("An option that runs past the data offset is not read", "[M03]") {
    CHECK(shown_and_caught<bug::options_have_no_end>(option_past_the_end));
}

constexpr auto bad_offset = []<class Parser>(Parser, const world& w) {
    for (std::size_t words = 0; words < 16; ++words) {
        for (std::size_t size = 20; size <= 64; size += 4) {
            const reading got = Parser::read(header(w, ctl::ack, words, repeated(size - 20, 1)));
            const bool sound = words >= 5 && words * 4 <= size;
            expect(got.outside == 0, "the data offset leads outside");
            expect(got.taken == sound, "the data offset is not what it says, and is believed");
            expect(got.text == (sound ? size - words * 4 : 0), "text that is not there");
        }
    }
    return true;
};
TEST_CASE("A data offset inside the fixed header or past the end is not followed", "[M04]") {
    CHECK(shown_and_caught<bug::trusts_offset>(bad_offset));
    octets short_one = header(worlds[0], ctl::ack, 4, {});
    CHECK(parse_tcp(short_one, {}, {}).error == wire_error::bad_offset);
    short_one[12] = 0xf0;
    CHECK(parse_tcp(short_one, {}, {}).error == wire_error::bad_offset);
}

constexpr auto short_header = []<class Parser>(Parser, const world& w) {
    octets whole = header(w, ctl::syn, 5, {});
    while (!whole.empty()) {
        whole.pop_back();
        octets exactly = whole;
        exactly.shrink_to_fit();
        const reading got = Parser::read(exactly);
        expect(got.outside == 0 && !got.taken, "a header is read that is not there");
    }
    return true;
};
TEST_CASE("Octets that are fewer than a header are not read as one", "[M05]") {
    CHECK(shown_and_caught<bug::trusts_size>(short_header));
}

constexpr auto flags_of_no_header = []<class Parser>(Parser, const world& w) {
    for (std::uint16_t bits = 0; bits < 0x200; ++bits) {
        for (const std::size_t there : {std::size_t{0}, std::size_t{8}}) {
            const reading got = Parser::read(header(w, control{bits}, 8, repeated(there, 0xff)));
            expect(!got.taken && got.bits == control{}, "control bits count before the header is known to be whole");
        }
    }
    return true;
};
/// The control bits as text.
struct our_letters {
    static std::string of(control bits) { return fmt::format("{}", bits); }
};
/// Letters and blanks for the bits of RFC 793, and the end of the text over the last blank, be there one or not.
struct letters_without_ecn {
    static std::string of(control bits) {
        std::string out;
        for (std::size_t i = 0; i < 6; ++i) {
            if (bits.has(control{static_cast<std::uint16_t>(1U << i)})) out += std::string{"FSRPAU"[i]} + ' ';
        }
        return out.empty() ? "(an octet before the text is overwritten)" : out.substr(0, out.size() - 1);
    }
};
template <class Letters>
void any_flags_have_letters() {
    std::set<std::string> texts;
    for (std::uint16_t bits = 0; bits < 0x200; ++bits) {
        const std::string text = Letters::of(control{bits});
        expect(!text.empty() && texts.insert(text).second, "control bits have no text, or that of others");
    }
}
TEST_CASE("Strange control bits are not looked at before the length, and always have a text", "[M06]") {
    CHECK(shown_and_caught<bug::flags_come_first>(flags_of_no_header));
    any_flags_have_letters<our_letters>();
    CHECK(caught([] { any_flags_have_letters<letters_without_ecn>(); }));
}

/// What the IP layer hands to TCP.
struct handed {
    bool taken = false;
    std::size_t payload = 0;
    unsigned outside = 0;
};
struct our_ip {
    static handed read(std::span<const std::uint8_t> from) {
        const packet p = parse_packet(from);
        if (!p) return {};
        return {parse_tcp(p.payload, p.source, p.destination, checksum_mode::trust).error == wire_error::none,
                p.payload.size()};
    }
};
template <bool Checks>
struct naive_ip {
    static handed read(std::span<const std::uint8_t> from) {
        watched in{from};
        const bool v4 = in[0] >> 4 == 4;
        const std::size_t before = v4 ? 20 : 40;
        const std::size_t declared = std::size_t{in[v4 ? 2 : 4]} << 8 | in[v4 ? 3 : 5];
        const std::size_t payload = v4 ? declared - before : declared;
        if (Checks && (from.size() < before + 20 || payload > from.size() - before || payload < 20)) return {};
        std::uint32_t sum = 0;
        for (std::size_t i = 0; i < std::min<std::size_t>(payload, 0xffff); ++i) sum += in[before + i];
        return {sum != 0, payload, in.outside()};
    }
};
template <class Ip>
void declared_length(const world& w, const ip_address& from, const ip_address& to) {
    octets whole = header(w, ctl::ack, 5, repeated(12, 0x77));
    const std::size_t there = whole.size();
    for (std::size_t declared = 0; declared <= 0xffff - 20; ++declared) {
        octets packet(ip_header_size(from));
        write_ip_header(packet, from, to, tcp_protocol, declared);
        packet.insert(packet.end(), whole.begin(), whole.end());
        packet.shrink_to_fit();
        const handed got = Ip::read(packet);
        expect(got.outside == 0, "octets are summed that never came");
        expect(got.taken == (declared >= 20 && declared <= there), "a length is believed");
        expect(got.payload <= there, "more payload than came");
    }
    // A total length less than the header's own.
    for (std::uint16_t total = 0; total < 40 && from.is_v4(); ++total) {
        octets packet(ipv4_header_size);
        write_ip_header(packet, from, to, tcp_protocol, 0);
        store16(&packet[2], total);
        store16(&packet[10], 0);
        store16(&packet[10], partial_sum{packet}.checksum());
        packet.insert(packet.end(), whole.begin(), whole.end());
        const handed got = Ip::read(packet);
        expect(!got.taken && got.outside == 0 && got.payload <= there, "a length below the header's is believed");
    }
}
template <class Ip>
void declared_lengths() {
    constexpr std::uint8_t near[4] = {192, 0, 2, 1}, far[4] = {192, 0, 2, 2};
    constexpr std::uint8_t near6[16] = {0x20, 1, 0xd, 0xb8, 1}, far6[16] = {0x20, 1, 0xd, 0xb8, 2};
    everywhere([&](const world& w) {
        declared_length<Ip>(w, ip_address{near}, ip_address{far});
        declared_length<Ip>(w, ip_address{near6}, ip_address{far6});
    });
}
TEST_CASE("No length in a packet is believed beyond the octets that came", "[M07]") {
    declared_lengths<our_ip>();
    declared_lengths<naive_ip<true>>();
    CHECK(caught([] { declared_lengths<naive_ip<false>>(); }));
}

// --- M08, M09, M24: a maximum segment size that is none ---------------------------------------------------

/// Believes what the SYN says, as long as it is less than ours.
struct no_mss_floor : mutant {};
/// Remembers the scale as it stands in the SYN. The mask is what a processor makes of the shift.
struct no_scale_limit : mutant {};
/// Takes MSS and window scale from every segment.
struct options_count_always : mutant {};

}  // namespace

template <>
constexpr void tcpfsm::performer<recorded<no_mss_floor>>::perform(actions todo) noexcept {
    while (!todo.empty()) {
        const action a = todo.pop();
        perform(a);
        if (a == action::take_syn) snd_.mss = std::min(why_.arrived->options.mss, t_.given.mss);
    }
}
template <>
constexpr void tcpfsm::performer<recorded<no_scale_limit>>::perform(actions todo) noexcept {
    while (!todo.empty()) {
        const action a = todo.pop();
        perform(a);
        if (a == action::take_syn) snd_.shift = why_.arrived->options.window_scale & 31U;
    }
}
template <>
constexpr void tcpfsm::performer<recorded<options_count_always>>::perform(actions todo) noexcept {
    while (!todo.empty()) {
        const action a = todo.pop();
        if (a == action::take_ack) {
            const options& opt = why_.arrived->options;
            if (opt.has_mss) snd_.mss = std::max(opt.mss, policies::mss_floor);
            if (opt.has_window_scale) snd_.shift = opt.window_scale;
            if (opt.sack_permitted) t_.sack_ok = true;
        }
        perform(a);
    }
}

namespace {

/// Opened by `syn`, sends `text` octets, each segment acknowledged as soon as nothing more may go. Answers how many
/// segments that took; each carries a whole MSS but the last, and none more than the floor where the peer asks for
/// less.
template <class P>
std::uint32_t segments_for(std::uint32_t text, const script& syn) {
    basic_subject<P> tcp{parameters{.snd_buff = text}};
    static_cast<void>(tcp.open_passive());
    tcp.gets(syn);
    static_cast<void>(tcp.polls());
    segment ack{.seq = seq{1}, .ack = seq{1}, .ctl = ctl::ack, .wnd = 65535};
    if (syn.seg.options.has_timestamps) ack.options = ". 1:1(0) ack 1 <TS val 1000 ecr 1000>"_seg.seg.options;
    tcp.hears(tcp.from_peer(ack));
    tcp.does("Nagle off", [](auto& c, time_point) { c.set_nagle(false); });
    static_cast<void>(tcp.send(text));
    const std::uint32_t most = 1 + text / (policies::mss_floor - (ack.options.has_timestamps ? 12U : 0U));
    std::uint32_t sent = 0;
    for (std::uint32_t n = 0; sent != text;) {
        const std::uint32_t before = sent;
        while (const auto out = tcp.polls()) {
            expect(out->segment.text + options_size(out->segment) <= policies::mss_floor, "longer than the MSS");
            sent += out->segment.text;
            expect(++n <= most, "text goes in crumbs");
        }
        expect(sent != before, "the connection stands still");
        ack.ack = seq{1 + sent};
        tcp.hears(tcp.from_peer(ack));
        if (sent == text) return n;
    }
    return 0;
}

TEST_CASE("An MSS of 0 is not divided by, and does not stop the text", "[M08]") {
    expect(segments_for<policies>(1000, "S 0:0(0) win 65535 <mss 0>"_seg) == 12, "1000 octets, 88 each");
    CHECK(caught([] { segments_for<no_mss_floor>(1000, "S 0:0(0) win 65535 <mss 0>"_seg); }));
}

template <class P>
void tiny_mss(const script& syn) {
    const std::uint32_t n = segments_for<P>(10'000, syn);
    expect(n == (syn.seg.options.has_timestamps ? 132U : 114U), "as many segments as the floor needs");
}
TEST_CASE("A tiny MSS does not make us send one octet at a time, nor less than none", "[M09]") {
    SECTION("1") {
        tiny_mss<policies>("S 0:0(0) <mss 1>"_seg);
        CHECK(caught([] { tiny_mss<no_mss_floor>("S 0:0(0) <mss 1>"_seg); }));
    }
    SECTION("8, less than the timestamps beside the text") {
        tiny_mss<policies>("S 0:0(0) <mss 8,TS val 1000 ecr 0>"_seg);
        CHECK(caught([] { tiny_mss<no_mss_floor>("S 0:0(0) <mss 8,TS val 1000 ecr 0>"_seg); }));
    }
    SECTION("12, the timestamps and nothing") {
        tiny_mss<policies>("S 0:0(0) <mss 12,TS val 1000 ecr 0>"_seg);
        CHECK(caught([] { tiny_mss<no_mss_floor>("S 0:0(0) <mss 12,TS val 1000 ecr 0>"_seg); }));
    }
}

template <class P>
void low_mss_amplifies() {
    const std::uint32_t n = segments_for<P>(65'535, "S 0:0(0) <mss 48,TS val 1000 ecr 0>"_seg);
    expect(n <= 65'535 / 76 + 1, "more segments than octets allow");
}
TEST_CASE("A low MSS does not multiply the segments without limit", "[M24]") {
    low_mss_amplifies<policies>();
    CHECK(caught([] { low_mss_amplifies<no_mss_floor>(); }));
}

// --- M11, M12: options that few understand ----------------------------------------------------------------

constexpr auto authentication_option = []<class Parser>(Parser, const world& w) {
    constexpr std::uint8_t tcp_ao = 29;
    for (std::size_t length = 0; length < 256; length += length == 36 ? 5 : 1) {
        octets options{tcp_ao, static_cast<std::uint8_t>(length)};
        while (options.size() < std::min<std::size_t>(length, 36)) options.push_back(0xa5);
        const bool whole = options.size() == length;
        for (const std::uint8_t o : {std::uint8_t{3}, std::uint8_t{3}, std::uint8_t{7}}) options.push_back(o);
        while (options.size() % 4 != 0) options.push_back(1);
        const reading got = Parser::read(syn_with(w, options));
        expect(got.ended && got.outside == 0, "an option that is not understood is copied");
        expect(got.taken == whole, "an option of impossible length is taken");
        expect(!whole || got.got.window_scale == 7, "what stands behind the option is lost");
    }
    return true;
};
TEST_CASE("An authentication option is stepped over by its length and copied nowhere", "[M11]") {
    CHECK(shown_and_caught<bug::unknown_option_is_copied>(authentication_option));
}

constexpr auto corrupt_sack = []<class Parser>(Parser, const world& w) {
    for (std::size_t length = 2; length <= 42; ++length) {
        octets options{5, static_cast<std::uint8_t>(length)};
        while (options.size() < std::min<std::size_t>(length, 40)) options.push_back(0x11);
        while (options.size() % 4 != 0) options.push_back(0);
        const reading got = Parser::read(header(w, ctl::ack, 5 + options.size() / 4, options));
        const bool whole = length > 2 && length % 8 == 2 && length <= 34;
        expect(got.outside == 0, "blocks are read or stored that are not there");
        expect(got.taken == (length <= 40), "an option past the end is taken");
        expect(got.got.sack_count == (whole ? length / 8 : 0), "a broken block counts");
    }
    return true;
};
TEST_CASE("A SACK option whose length makes no blocks is not read as blocks", "[M12]") {
    CHECK(shown_and_caught<bug::sack_is_read_by_blocks>(corrupt_sack));
}

// --- M13, M14: options out of bounds, options out of time -------------------------------------------------

template <class P>
void scale_of_255(const script& syn) {
    auto tcp = in(listen, basic_subject<P>{parameters{.snd_buff = 1U << 20U}});
    tcp.gets(syn);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1 win 3"_seg);
    expect(tcp.numbers().snd.wnd == 3U << 14U, "a scale above 14 is 14 (RFC 7323 2.3)");
}
TEST_CASE("A window scale above 14 does not shift the window out of its number", "[M13]") {
    scale_of_255<policies>("S 0:0(0) <mss 1460,wscale 15>"_seg);
    scale_of_255<policies>("S 0:0(0) <mss 1460,wscale 255>"_seg);
    CHECK(caught([] { scale_of_255<no_scale_limit>("S 0:0(0) <mss 1460,wscale 15>"_seg); }));
    CHECK(caught([] { scale_of_255<no_scale_limit>("S 0:0(0) <mss 1460,wscale 255>"_seg); }));
}

template <class P>
void syn_options_later() {
    auto tcp = in(listen, basic_subject<P>{});
    tcp.gets("S 0:0(0) win 500 <mss 1000,wscale 7>"_seg);
    tcp.emits("S. 0:0(0) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 1 win 100"_seg);
    tcp.gets(". 1:1(0) ack 1 win 100 <mss 1,wscale 0,sackOK>"_seg);
    static_cast<void>(tcp.send(2000));
    tcp.emits(". 1:1001(1000) ack 1"_seg);
    tcp.emits("P. 1001:2001(1000) ack 1"_seg);
    tcp.gets(". 1:1(0) ack 2001 win 100 <mss 1,wscale 0,sackOK>"_seg);
    expect(tcp.numbers().snd.wnd == 100U << 7U, "the window is scaled as the SYN said");
    tcp.gets(". 11:21(10) ack 2001 win 100"_seg);
    tcp.emits(". 2001:2001(0) ack 1 <>"_seg);  // no SACK block: it was not permitted in time
}
TEST_CASE("MSS, window scale and SACK-permitted change nothing after the SYN", "[M14]") {
    syn_options_later<policies>();
    CHECK(caught([] { syn_options_later<options_count_always>(); }));
}

}  // namespace
