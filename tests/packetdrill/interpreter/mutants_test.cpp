// SPDX-License-Identifier: MIT
// mutants_test.cpp: what the scripts are good for. Each bug here is caught by the script that is about it.
#include "../plugin.hpp"
#include "../stack_of.hpp"
#include "run.hpp"

#include <museum/altered.hpp>
#include <support/catch.hpp>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>

// clang-format off
namespace {

using packetdrill::rfc_policies;
using tcpfsm::museum::altered;
using tcpfsm::row;
using enum tcpfsm::state;
using enum tcpfsm::event;
using enum tcpfsm::action;

// A row that does something else.
struct forgets_ack_of_fin : rfc_policies {
    using table = altered<[] { return row{established, rcv_fin, close_wait, take_fin, "a mutant", tcpfsm::signal::tell_closing}; }>;
};
struct silent_beyond_gap : rfc_policies {
    using table = altered<[] { return row{established, rcv_text_early, tcpfsm::stay, take_text, "a mutant"}; }>;
};
struct any_reset_kills : rfc_policies {
    using table = altered<[] { return row{established, rcv_rst_challenge, closed, delete_tcb, "a mutant", tcpfsm::signal::tell_reset}; }>;
};
struct closes_without_2msl : rfc_policies {
    using table = altered<[] { return row{fin_wait_2, rcv_fin, closed, take_fin | snd_ack | delete_tcb, "a mutant", tcpfsm::signal::tell_closed}; }>;
};
struct no_syn_ack_again : rfc_policies {
    using table = altered<[] { return row{syn_received, rcv_syn_again, tcpfsm::stay, {}, "a mutant"}; }>;
};
// A judge or another function that is wrong: below. No shortcut goes round it.
struct the_long_way : rfc_policies { static constexpr bool prediction = false; };
struct resets_anywhere : the_long_way {};
struct no_paws : the_long_way {};
struct mss_without_options : the_long_way {};
struct reset_by_the_book_of_793 : the_long_way {};
// A number.
struct waits_longer : rfc_policies { static constexpr tcpfsm::duration delayed_ack = std::chrono::milliseconds{400}; };
struct eager : tcpfsm::new_reno {
    constexpr void begin(tcpfsm::path p, bool) noexcept { tcpfsm::new_reno::begin({2 * p.smss, p.flight}, false); }
    constexpr void was_idle(tcpfsm::path) noexcept {}
};
struct starts_with_twenty : rfc_policies { using congestion = eager; };

}  // namespace
// clang-format on

template <>
constexpr tcpfsm::event tcpfsm::judge_reset<resets_anywhere>(const tcb<resets_anywhere>&, const segment&,
                                                             state) noexcept {
    return event::rcv_rst;
}
template <>
constexpr bool tcpfsm::fails_paws<no_paws>(const tcb<no_paws>&, const segment&, time_point) noexcept {
    return false;
}
template <>
constexpr std::uint32_t tcpfsm::next_segment<mss_without_options>::full() const noexcept {
    return snd_.mss;
}
template <>
constexpr tcpfsm::event tcpfsm::judge_syn_sent<reset_by_the_book_of_793>(const tcb<reset_by_the_book_of_793>& t,
                                                                         const segment& seg) noexcept {
    if (seg.has(ctl::rst)) return event::rcv_rst;  // whatever it acknowledges
    if (!seg.has(ctl::ack)) return seg.has(ctl::syn) ? event::rcv_syn : event::rcv_stray;
    if (!seg.ack.in(t.snd.iss + 1, t.snd.flight())) return event::rcv_bad_ack;
    return seg.has(ctl::syn) ? event::rcv_syn_ack : event::rcv_stray;
}

namespace {

namespace drill = tcpfsm::drill;

/// Plays one of our scripts against a host with these policies; what went wrong, or nothing.
template <class Policies>
std::string plays(const std::string& script) {
    const std::string path = TCPFSM_PACKETDRILL_SCRIPTS "/" + script + ".pkt";
    std::ifstream in{path};
    REQUIRE(in);
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    drill::settings how;
    how.begin = [](const char* flags, packetdrill_interface& stack) {
        std::string why;
        const auto said = packetdrill::parse_flags(flags, why);
        REQUIRE(said);
        packetdrill::begin(&stack, *said, std::make_unique<packetdrill::basic_stack<Policies>>(*said));
    };
    const drill::outcome got = drill::play(text, how);
    CHECK(got.is != drill::outcome::kind::skipped);
    return got.is == drill::outcome::kind::failed ? drill::report(path, text, got) : "";
}
/// The script passes with the library as it is, and fails with the bug, for the reason given.
template <class Bug>
void catches(const std::string& script, std::string_view why) {
    INFO(script);
    CHECK(plays<rfc_policies>(script) == "");
    const std::string said = plays<Bug>(script);
    INFO(said);
    CHECK(said.find(why) != std::string::npos);
}

}  // namespace

TEST_CASE("A row that is wrong is caught by a script") {
    catches<forgets_ack_of_fin>("close/passive", "nothing to send");
    catches<silent_beyond_gap>("ack/early_text", "this was sent at");
    catches<silent_beyond_gap>("sack/blocks", "this was sent at");
    catches<any_reset_kills>("attack/reset_challenge", "nothing to send");
    catches<closes_without_2msl>("time_wait/fin_again", "nothing to send");
    catches<no_syn_ack_again>("handshake/syn_again", "this was sent at");
}

TEST_CASE("A judge that is wrong is caught by a script") {
    catches<resets_anywhere>("attack/reset_outside", "'write' returned -1 ECONNRESET");
    catches<resets_anywhere>("attack/reset_challenge", "nothing to send");
    catches<no_paws>("timestamps/paws", "the acknowledgment numbers differ");
    catches<reset_by_the_book_of_793>("handshake/reset_without_ack_in_syn_sent", "the flags differ");
}

TEST_CASE("A number that is wrong is caught by a script") {
    catches<mss_without_options>("options/mss_less_timestamps", "the lengths of the text differ");
    catches<waits_longer>("ack/delayed", "this was sent at");
    catches<starts_with_twenty>("congestion/initial_window", "this was sent at");
}
