// SPDX-License-Identifier: MIT
// table_only.cpp: another stack that takes the table and nothing else. Its TCB, its segments, its judging and
// its sending are its own; what they mean for a connection is the table's.

#include <tcpfsm/machine.hpp>

#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <string_view>

namespace {

using tcpfsm::action;
using tcpfsm::event;
using tcpfsm::state;

struct packet {
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    bool syn = false, has_ack = false, fin = false, rst = false;
};

/// One end of a toy: no text, no options, no windows, and a wire that loses nothing.
class end_point {
public:
    end_point(std::string_view who, std::uint32_t iss, std::deque<packet>& out)
        : who_{who}, out_{out}, una_{iss}, nxt_{iss} {}

    void call(event e) { raise(e); }

    void arrives(const packet& p) {
        got_ = p;
        raise(judge());
        // 3.10.7.4, eighth: the FIN comes after the ACK, in the state that the ACK has led to.
        if (p.fin && tcp_.in(tcpfsm::states::accepting)) raise(event::rcv_fin);
    }

    [[nodiscard]] state at() const { return tcp_.at(); }

private:
    /// What the packet means here: flags, numbers and state become one event. It is all this toy knows of TCP.
    [[nodiscard]] event judge() const {
        const packet& p = got_;
        switch (at()) {
        case state::closed: return p.rst ? event::rcv_rst : event::rcv_stray;
        case state::listen: return p.rst ? event::rcv_rst : p.has_ack ? event::rcv_bad_ack : event::rcv_syn;
        case state::syn_sent:
            if (p.has_ack && p.ack != nxt_) return p.rst ? event::rcv_rst_invalid : event::rcv_bad_ack;
            if (p.rst) return p.has_ack ? event::rcv_rst : event::rcv_rst_invalid;
            if (!p.syn) return event::rcv_stray;
            return p.has_ack ? event::rcv_syn_ack : event::rcv_syn;
        default: break;
        }
        if (p.rst) return p.seq == rcv_nxt_ ? event::rcv_rst : event::rcv_rst_invalid;
        if (p.syn) return event::rcv_syn_challenge;
        if (p.seq != rcv_nxt_) return event::rcv_outside;
        if (!p.has_ack) return event::rcv_no_ack;
        if (at() == state::syn_received) return p.ack == nxt_ ? event::rcv_ack_of_syn : event::rcv_bad_ack;
        const bool acks_fin = fin_sent_ && una_ != nxt_ && p.ack == nxt_;
        return acks_fin ? event::rcv_ack_of_fin : event::rcv_ack;
    }

    /// One line of the table: move, and do what it says in the order in which it says it.
    void raise(event e) {
        const state before = at();
        const tcpfsm::cell row = tcp_.on(e);
        std::printf("%-6s  %-12s  %-18s  %-12s  %s\n", who_.c_str(), name(before).data(), name(e).data(),
                    name(at()).data(), tcpfsm::cite(before, e).cite.data());
        for (auto todo = row.doing(); !todo.empty();) perform(todo.pop());
        if (row.says().is_signal())
            std::printf("%-6s  tells its user: %s\n", who_.c_str(), describe(row.says().as_signal()).data());
    }

    void perform(action a) {
        switch (a) {
        case action::take_syn: rcv_nxt_ = got_.seq + 1; break;
        case action::take_ack: una_ = got_.ack; break;
        case action::take_fin: ++rcv_nxt_; break;
        case action::snd_syn:
            send({.seq = nxt_++, .ack = rcv_nxt_, .syn = true, .has_ack = at() != state::syn_sent});
            break;
        case action::snd_fin:
            fin_sent_ = true;
            send({.seq = nxt_++, .ack = rcv_nxt_, .has_ack = true, .fin = true});
            break;
        case action::snd_ack:
        case action::snd_challenge: send({.seq = nxt_, .ack = rcv_nxt_, .has_ack = true}); break;
        case action::snd_rst: send({.seq = nxt_, .rst = true}); break;
        default: break;  // no text, and timers that the toy winds by hand
        }
    }

    void send(const packet& p) { out_.push_back(p); }

    std::string who_;
    std::deque<packet>& out_;
    tcpfsm::machine tcp_;
    packet got_;
    std::uint32_t una_, nxt_, rcv_nxt_ = 0;
    bool fin_sent_ = false;
};

}  // namespace

int main() {
    std::deque<packet> to_server;
    std::deque<packet> to_client;
    end_point client{"client", 0xffffffff, to_server};  // its SYN takes the last number there is
    end_point server{"server", 300, to_client};
    const auto settle = [&] {
        while (!to_server.empty() || !to_client.empty()) {
            auto& wire = to_server.empty() ? to_client : to_server;
            const packet p = wire.front();
            wire.pop_front();
            (&wire == &to_server ? server : client).arrives(p);
        }
    };

    server.call(event::open_passive);
    client.call(event::open_active);
    settle();
    const bool opened = client.at() == state::established && server.at() == state::established;

    client.call(event::close);
    settle();
    const bool half = client.at() == state::fin_wait_2 && server.at() == state::close_wait;

    server.call(event::close);
    settle();
    const bool done = client.at() == state::time_wait && server.at() == state::closed;

    client.call(event::timeout_time_wait);
    if (!opened || !half || !done || client.at() != state::closed) return 1;
    std::puts("both ends are CLOSED");
}
