// SPDX-License-Identifier: MIT

#include <support/catch.hpp>

#include <tcpfsm/connection.hpp>
#include <tcpfsm/format.hpp>

namespace {

using namespace tcpfsm;
using fmt::format;
using namespace tcpfsm::literals;

TEST_CASE("numbers and names print as the RFC spells them, and take a width", "[format]") {
    CHECK(format("{}", seq{4294967295}) == "4294967295");
    CHECK(format("{:08x}", seq{0xbeef}) == "0000beef");
    CHECK(format("{}", state::syn_received) == "SYN-RECEIVED");
    CHECK(format("[{:<8}]", state::listen) == "[LISTEN  ]");
    CHECK(format("{}", event::rcv_ack_of_fin) == "rcv_ack_of_fin");
    CHECK(format("{}", action::start_2msl) == "start_2msl");
    CHECK(format("{}", answer::err_closing) == "error: connection closing");
    CHECK(format("{}", signal::tell_reset) == "connection reset");
}

TEST_CASE("actions print in the order in which they are done", "[format]") {
    CHECK(format("{}", action::snd_ack | action::take_fin) == "take_fin | snd_ack");
    CHECK(format("{}", actions{}) == "-");
    CHECK(format("[{:>20}]", action::take_fin | action::snd_ack) == "[  take_fin | snd_ack]");
}

TEST_CASE("control bits are tcpdump's letters", "[format]") {
    CHECK(format("{}", ctl::syn | ctl::ack) == "S.");
    CHECK(format("{}", ctl::fin | ctl::psh | ctl::ack) == "FP.");
    CHECK(format("{}", ctl::ack | ctl::urg | ctl::ece | ctl::cwr | ctl::ae) == ".UEWe");
    CHECK(format("{}", control{}) == "none");
}

TEST_CASE("a segment prints in tcpdump's notation", "[format]") {
    segment syn{.seq = seq{0}, .ack = seq{1}, .ctl = ctl::syn | ctl::ack, .wnd = 1000};
    CHECK(format("{}", syn) == "S. 0:0(0) ack 1 win 1000");
    syn.options.has_mss = true;
    syn.options.mss = 1460;
    syn.options.sack_permitted = true;
    syn.options.has_timestamps = true;
    syn.options.ts_val = 1;
    syn.options.has_window_scale = true;
    syn.options.window_scale = 7;
    CHECK(format("{}", syn) == "S. 0:0(0) ack 1 win 1000 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>");
    syn.options.has_timestamps = false;
    CHECK(format("{}", syn) == "S. 0:0(0) ack 1 win 1000 <mss 1460,sackOK,nop,nop,nop,wscale 7>");

    const segment rst{.seq = seq{5}, .ack = seq{77}, .ctl = ctl::rst};
    CHECK(format("{}", rst) == "R 5:5(0) win 0");
    const segment urgent{.seq = seq{1}, .ack = seq{1}, .text = 3, .ctl = ctl::ack | ctl::urg, .wnd = 9, .up = 2};
    CHECK(format("{}", urgent) == ".U 1:4(3) ack 1 win 9 urg 2");
    CHECK(format("[{:<14}]", rst) == "[R 5:5(0) win 0]");
    CHECK(format("[{:^18}]", rst) == "[  R 5:5(0) win 0  ]");
}

TEST_CASE("a segment prints with numbers relative to both initial sequence numbers", "[format]") {
    segment seg{.seq = seq{0xffffffff}, .ack = seq{3001}, .text = 10, .ctl = ctl::psh | ctl::ack, .wnd = 1};
    CHECK(format("{}", relative(seg, seq{0xfffffffe}, seq{3000})) == "P. 1:11(10) ack 1 win 1");
    seg.options.has_timestamps = true;
    seg.options.sack_count = 2;
    seg.options.sack[0] = {seq{3005}, seq{3010}};
    seg.options.sack[1] = {seq{3020}, seq{3030}};
    CHECK(format("{}", relative(seg, seq{0xfffffffe}, seq{3000})) ==
          "P. 1:11(10) ack 1 win 1 <nop,nop,TS val 0 ecr 0,nop,nop,sack 5:10 20:30>");
}

TEST_CASE("what became of a segment is told in words, with the place in the RFC", "[format]") {
    connection conn;
    (void)conn.open_passive({}, {});
    const segment stray{.seq = seq{9}, .ctl = ctl::rst};
    CHECK(format("{}", conn.handle_segment(stray, {})) == "dropped: reset (3.10.7.2 1)");
    const segment answer_to_nothing{.seq = seq{9}, .ack = seq{9}, .ctl = ctl::ack};
    CHECK(format("{}", conn.handle_segment(answer_to_nothing, {})) ==
          "dropped: acknowledges something never sent, or sent too long ago (3.10.7.2 2)");
    CHECK(format("{}", conn.handle_segment({.seq = seq{9}, .ctl = ctl::syn, .wnd = 1000}, {})) == "SYN (3.10.7.2 3)");
    while (conn.poll_transmit({})) continue;
    CHECK(format("{}", conn.handle_segment({.seq = seq{70009}, .ack = seq{1}, .ctl = ctl::ack}, {})) ==
          "dropped: sequence number outside the window (3.10.7.4 1)");
    CHECK(format("{}", conn.handle_segment({.seq = seq{10}, .ack = seq{1}, .text = 5, .ctl = ctl::ack}, {})) ==
          "text in order (3.10.7.4 7)");
}

TEST_CASE("a row taken prints with its actions and its citation", "[format]") {
    CHECK(format("{}", taken_row{state::fin_wait_1, event::rcv_ack_of_fin, state::fin_wait_2}) ==
          "FIN-WAIT-1 -> FIN-WAIT-2 on rcv_ack_of_fin: take_ack (3.10.7.4 5)");
    CHECK(format("{}", taken_row{state::established, event::rcv_text, state::established}) ==
          "ESTABLISHED on rcv_text: take_text (3.10.7.4 7)");
}

TEST_CASE("addresses, endpoints and connections by name", "[format]") {
    const endpoint client{"192.0.2.1"_ip, 49152};
    const endpoint server{"2001:db8::1"_ip, 80};
    CHECK(format("{}", client.address) == "192.0.2.1");
    CHECK(format("{:>18}", client) == "   192.0.2.1:49152");
    CHECK(format("{}", server) == "[2001:db8::1]:80");
    CHECK(format("{}", four_tuple{client, {client.address, 80}}) == "192.0.2.1:49152 > 192.0.2.1:80");
}

}  // namespace
