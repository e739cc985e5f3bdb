// SPDX-License-Identifier: MIT
#include "exchanges.hpp"

namespace demo {

namespace {

using enum state;
using enum signal;

// The numbers are the RFC's own: the client begins at 100, the server at 300. One way takes 10 ms.

// --- Opening ---------------------------------------------------------------------------------------------

void handshake(play& p) {
    p.server().open_passive();
    p.client().open_active();
    p.run();
    p.sent({"S 100:100(0)", "S. 300:300(0) ack 101", ". 101:101(0) ack 301"});
    p.client().walked({closed, syn_sent, established});
    p.server().walked({closed, listen, syn_received, established});
    p.client().was_told(tell_open);
    p.server().was_told(tell_open);
}

void text_on_third(play& p) {
    p.server().open_passive();
    p.client().open_active();
    p.client().send("hello");
    p.run();
    p.sent({"S 100:100(0)", "S. 300:300(0) ack 101", "P. 101:106(5) ack 301", ". 301:301(0) ack 106"});
    p.server().has_read("hello");
}

void text_on_syn(play& p) {
    p.server().open_passive();
    p.client().open_active();
    p.client().send("hello");
    p.run();
    p.sent({"S 100:105(5)", "S. 300:300(0) ack 101", "P. 101:106(5) ack 301", ". 301:301(0) ack 106"});
    p.server().has_read("hello");
}

void send_from_listen(play& p) {
    p.server().open_passive();
    p.client().open_passive();
    p.client().send("hello");
    p.run();
    p.client().walked({closed, listen, syn_sent, established});
    p.server().is(established);
    p.server().has_read("hello");
}

void simultaneous_open(play& p) {
    p.client().open_active();
    p.server().open_active();
    p.run();
    p.sent({"S 100:100(0)", "S 300:300(0)", "S. 100:100(0) ack 301", "S. 300:300(0) ack 101"});
    p.client().walked({closed, syn_sent, syn_received, established});
    p.server().walked({closed, syn_sent, syn_received, established});
}

void refused(play& p) {
    p.client().open_active();
    p.run();
    p.sent({"S 100:100(0)", "R. 0:0(0) ack 101"});
    p.client().walked({closed, syn_sent, closed});
    p.client().was_told(tell_reset);
    p.server().is(closed);
}

void reset_in_handshake(play& p) {
    p.server().open_passive();
    p.client().open_active();
    p.run_for(5ms);
    p.client().abort();
    p.run();
    p.sent({"S 100:100(0)", "S. 300:300(0) ack 101", "R 101:101(0)"});
    p.server().walked({closed, listen, syn_received, listen});
}

void old_duplicate_syn(play& p) {
    p.server().open_passive();
    p.client().next_takes(50ms);
    p.client().open_active();
    p.run_for(0ms);
    p.server().gets({.seq = seq{90}, .ctl = ctl::syn, .wnd = 1000}, "an old duplicate");
    p.run();
    p.sent(
        {"S 100:100(0)", "S. 300:300(0) ack 91", "R 91:91(0)", "S. 65837:65837(0) ack 101", ". 101:101(0) ack 65838"});
    p.server().walked({closed, listen, syn_received, listen, syn_received, established});
    p.client().is(established);
}

void two_listeners(play& p) {
    p.client().open_passive();
    p.server().open_passive();
    p.server().gets({.seq = seq{90}, .ctl = ctl::syn, .wnd = 1000}, "an old duplicate");
    p.run();
    p.sent({"S. 300:300(0) ack 91", "R 91:91(0)"});
    p.client().walked({closed, listen});
    p.server().walked({closed, listen, syn_received, listen});
}

// --- Half-open connections and attackers -------------------------------------------------------------------

void crash_and_open(play& p) {
    p.connect();
    p.client().crashes();
    p.client().open_active();
    p.run();
    p.sent({"S 400:400(0)", ". 301:301(0) ack 101", "R 101:101(0)"});
    p.server().was_told(tell_reset);
    p.server().open_passive();
    p.note("the SYN goes again after a second, and finds a server that listens");
    p.run_for(1200ms);
    p.sent({"S 400:400(0)", "S. 600:600(0) ack 401", ". 401:401(0) ack 601"});
    p.client().is(established);
    p.server().is(established);
}

void crash_and_text(play& p) {
    p.connect();
    p.client().crashes();
    p.server().send("hello");
    p.run();
    p.sent({"P. 301:306(5) ack 101", "R 101:101(0)"});
    p.client().is(closed);
    p.server().is(closed);
    p.server().was_told(tell_reset);
}

void blind_reset(play& p) {
    p.connect();
    p.note("an attacker guesses a number inside the window");
    p.client().gets({.seq = seq{5000}, .ctl = ctl::rst}, "from an attacker");
    p.run();
    p.sent({". 101:101(0) ack 301"});
    p.note("outside the window nothing happens at all");
    p.client().gets({.seq = seq{99999}, .ctl = ctl::rst}, "from an attacker");
    p.run();
    p.note("a SYN is challenged wherever it lies");
    p.client().gets({.seq = seq{7000}, .ctl = ctl::syn, .wnd = 1000}, "from an attacker");
    p.run();
    p.sent({". 101:101(0) ack 301"});
    p.note("the connection still works");
    p.client().send("hello");
    p.run();
    p.server().has_read("hello");
    p.client().is(established);
    p.server().is(established);
}

void dead_peer(play& p) {
    p.client().settings.keep_alive = 2h;
    p.connect();
    p.server().is_unplugged();
    p.note("the server is unplugged; nobody says a word for two hours");
    p.run_for(2h + 4min);
    p.sent({". 100:100(0) ack 301", ". 100:100(0) ack 301", ". 100:100(0) ack 301", "R 101:101(0)"});
    p.client().is(closed);
    p.client().was_told(tell_timed_out);
    p.server().is(established);
}

// --- Text ------------------------------------------------------------------------------------------------

void zero_window(play& p) {
    p.server().settings.rcv_buff = 8;
    p.connect();
    p.server().does_not_read();
    p.client().send("more than eight octets");
    p.run_for(4s);
    p.sent({". 101:109(8) ack 301", ". 301:301(0) ack 109 win 0", ". 109:110(1) ack 301", ". 301:301(0) ack 109 win 0",
            ". 109:110(1) ack 301", ". 301:301(0) ack 109 win 0"});
    p.note("the user reads, but the news of it is lost: only the next probe finds out");
    p.server().next_is_lost();
    p.server().reads_again();
    p.run_for(4s);
    p.server().has_read("more than eight octets");
}

void fast_retransmit(play& p) {
    p.client().settings.nagle = false;
    p.connect();
    p.client().next_is_lost();
    for (const auto* word : {"one ", "two ", "three ", "four "}) {
        p.client().send(word);
        p.run_for(1ms);
    }
    p.run();
    p.sent({"P. 101:105(4) ack 301", "P. 105:109(4) ack 301", "P. 109:115(6) ack 301", "P. 115:120(5) ack 301",
            ". 301:301(0) ack 101", ". 301:301(0) ack 101", ". 301:301(0) ack 101", "P. 101:120(19) ack 301",
            ". 301:301(0) ack 120"});
    p.server().has_read("one two three four ");
}

// --- Closing ---------------------------------------------------------------------------------------------

void close_by_client(play& p) {
    p.connect();
    p.client().close();
    p.run();
    p.sent({"F. 101:101(0) ack 301", ". 301:301(0) ack 102"});
    p.client().is(fin_wait_2);
    p.server().was_told(tell_closing);
    p.server().close();
    p.run();
    p.sent({"F. 301:301(0) ack 102", ". 102:102(0) ack 302"});
    p.client().is(time_wait);
    p.server().walked({closed, listen, syn_received, established, close_wait, last_ack, closed});
    p.run_for(4min);
    p.client().walked({closed, syn_sent, established, fin_wait_1, fin_wait_2, time_wait, closed});
    p.client().was_told(tell_closed);
}

void close_by_server(play& p) {
    p.connect();
    p.server().close();
    p.run();
    p.client().close();
    p.run_for(4min + 1s);
    p.sent({"F. 301:301(0) ack 101", ". 101:101(0) ack 302", "F. 101:101(0) ack 302", ". 302:302(0) ack 102"});
    p.client().walked({closed, syn_sent, established, close_wait, last_ack, closed});
    p.server().walked({closed, listen, syn_received, established, fin_wait_1, fin_wait_2, time_wait, closed});
}

void half_close(play& p) {
    p.connect();
    p.client().send("that is all");
    p.client().close();
    p.run();
    p.sent({"FP. 101:112(11) ack 301", ". 301:301(0) ack 113"});
    p.server().has_read("that is all");
    p.server().send("but I have more");
    p.run();
    p.sent({"P. 301:316(15) ack 113", ". 113:113(0) ack 316"});
    p.client().has_read("but I have more");
    p.client().is(fin_wait_2);
    p.client().send("too late");
    p.client().was_answered(answer::err_closing);
    p.server().close();
    p.run();
    p.client().is(time_wait);
    p.server().is(closed);
}

void simultaneous_close(play& p) {
    p.connect();
    p.client().close();
    p.server().close();
    p.run();
    p.sent({"F. 101:101(0) ack 301", "F. 301:301(0) ack 101", ". 102:102(0) ack 302", ". 302:302(0) ack 102"});
    p.client().walked({closed, syn_sent, established, fin_wait_1, closing, time_wait});
    p.server().walked({closed, listen, syn_received, established, fin_wait_1, closing, time_wait});
}

void lost_fin(play& p) {
    p.connect();
    p.client().next_is_lost();
    p.client().close();
    p.run_for(3s);
    p.sent({"F. 101:101(0) ack 301", "F. 101:101(0) ack 301", ". 301:301(0) ack 102"});
    p.server().next_is_lost();
    p.server().close();
    p.run_for(3s);
    p.sent({"F. 301:301(0) ack 102", "F. 301:301(0) ack 102", ". 102:102(0) ack 302"});
    p.client().is(time_wait);
    p.server().is(closed);
}

void reopened(play& p) {
    p.connect();
    p.server().close();
    p.run();
    p.client().close();
    p.run();
    p.server().is(time_wait);
    p.client().is(closed);
    p.note("the client comes back from the same port, with a number beyond the old ones");
    p.client().open_active();
    p.run();
    p.sent({"F. 301:301(0) ack 101", ". 101:101(0) ack 302", "F. 101:101(0) ack 302", ". 302:302(0) ack 102",
            "S 400:400(0)", "S. 65839:65839(0) ack 401", ". 401:401(0) ack 65840"});
    p.client().is(established);
    p.server().is(established);
}

// --- All of it ---------------------------------------------------------------------------------------------

void tour(play& p) {
    p.client().settings.iss = seq{0xfffffff0};  // the numbers wrap on the way, and nobody notices
    p.server().settings.iss = seq{3000000000};
    p.server().open_passive();
    p.client().open_active();
    p.run();
    p.sent({"S 0:0(0)", "S. 0:0(0) ack 1", ". 1:1(0) ack 1"});
    p.client().send("GET / HTTP/1.0\r\n\r\n");
    p.run();
    p.server().has_read("GET / HTTP/1.0\r\n\r\n");
    p.server().send("HTTP/1.0 200 OK\r\n\r\nhello, world\n");
    p.server().close();
    p.run();
    p.client().has_read("HTTP/1.0 200 OK\r\n\r\nhello, world\n");
    p.client().is(close_wait);
    p.client().close();
    p.run();
    p.client().walked({closed, syn_sent, established, close_wait, last_ack, closed});
    p.run_for(4min);
    p.server().walked({closed, listen, syn_received, established, fin_wait_1, fin_wait_2, time_wait, closed});
    p.sent({"P. 1:19(18) ack 1", ". 1:1(0) ack 19", "FP. 1:33(32) ack 19", ". 19:19(0) ack 34", "F. 19:19(0) ack 34",
            ". 34:34(0) ack 20"});
}

const exchange all[] = {
    {"tour", "One connection, from OPEN to CLOSED", "section 3.10",
     "A client asks, a server answers and closes. Both ends take every step by a row of the table.", tour,
     basic_connection<complete>{}, true},

    {"handshake", "The three-way handshake", "section 3.5, figure 6",
     "Each side sends its initial number and has it acknowledged; the middle segment does both.", handshake},
    {"text-on-third", "Text on the third segment", "section 3.10.2",
     "A SEND before the handshake ends is queued, and goes with the segment that ends it.", text_on_third},
    {"text-on-syn", "Text on the SYN", "section 3.10.7.2, third",
     "Text may come with the SYN. The receiver acknowledges the SYN alone and keeps the text until the handshake "
     "has shown that the SYN is not an old one.",
     text_on_syn, basic_connection<eager>{}},
    {"send-from-listen", "LISTEN to SYN-SENT by SEND", "section 3.10.2",
     "A passive OPEN turns active when its user has something to say.", send_from_listen},
    {"simultaneous-open", "Both open at once", "section 3.5, figure 7",
     "Two SYNs cross. Nobody listens, and still there is one connection, not two.", simultaneous_open},
    {"refused", "Nobody listens", "section 3.10.7.1",
     "A segment that matches no connection is answered by a reset, which acknowledges what it resets.", refused},
    {"reset-in-handshake", "The client changes its mind", "section 3.10.7.4, second",
     "A reset takes a server in SYN-RECEIVED back to LISTEN, and its user never hears of it.", reset_in_handshake},
    {"old-duplicate-syn", "An old duplicate SYN", "section 3.5, figure 8",
     "The server cannot know that the SYN is old. The client can, and says so.", old_duplicate_syn},
    {"two-listeners", "An old duplicate SYN between two listeners", "section 3.5, figure 11",
     "Neither wanted a connection, and after one reset neither has one.", two_listeners},

    {"crash-and-open", "Half-open: the crashed side opens again", "section 3.5.1, figure 9",
     "The SYN is challenged, the answer makes no sense to the client, and its reset clears the way.", crash_and_open},
    {"crash-and-text", "Half-open: the other side sends", "section 3.5.1, figure 10",
     "Text for a connection that one side has forgotten is answered by a reset.", crash_and_text},
    {"blind-reset", "A blind attacker", "RFC 5961, 3.10.7.4 second and fourth",
     "Only a reset at exactly RCV.NXT counts; near misses are challenged, and the true peer would repeat itself.",
     blind_reset},
    {"dead-peer", "Keep-alive finds a dead peer", "section 3.8.4",
     "Probes lie below SND.NXT, so that a living peer must answer. One without an answer proves nothing.", dead_peer},

    {"zero-window", "A zero window, and its probe", "section 3.8.6.1",
     "One octet asks every now and then whether the window has opened, since the news of it may be lost.", zero_window},
    {"fast-retransmit", "A lost segment, repaired without a timeout", "section 3.8.2, RFC 5681 3.2",
     "Text beyond a gap is acknowledged at once, again and again; the third duplicate says what is missing.",
     fast_retransmit},

    {"close-by-client", "The client closes first", "section 3.6, figure 12",
     "Who closes first waits two MSL, so that the last ACK can be repeated and old segments die out.", close_by_client},
    {"close-by-server", "The server closes first", "section 3.6, figure 12", "The same, the other way round.",
     close_by_server},
    {"half-close", "One side closes, the other goes on", "section 3.6",
     "CLOSE means \"I have no more text to send\", and nothing about the other direction.", half_close},
    {"simultaneous-close", "Both close at once", "section 3.6, figure 13",
     "Two FINs cross: both sides pass through CLOSING, and both wait.", simultaneous_close},
    {"lost-fin", "A FIN is lost, each way", "section 3.10.8",
     "A FIN is retransmitted like text, for it has a sequence number of its own.", lost_fin},
    {"reopened", "A new SYN reopens TIME-WAIT", "section 3.6.1, MAY-2",
     "A SYN beyond all old numbers cannot be an old one. The new connection begins beyond them, too.", reopened},
};

}  // namespace

std::span<const exchange> exchanges() { return all; }

story perform(const exchange& what, const four_tuple& between) {
    story told{.name = std::string{what.name},
               .title = std::string{what.title},
               .cites = std::string{what.cites},
               .lesson = std::string{what.lesson},
               .relative = what.relative,
               .between = between,
               .flights = {},
               .happenings = {},
               .deviations = {}};
    play p{told, what.connection};
    what.act(p);
    return told;
}

}  // namespace demo
