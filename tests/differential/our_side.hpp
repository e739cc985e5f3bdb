// SPDX-License-Identifier: MIT
// our_side.hpp: cells played against a connection of ours.
#pragma once

#include <differential/trials.hpp>

#include <tcpfsm/connection.hpp>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <utility>

namespace tcpfsm::differential {

/// What a connection with these policies makes of cells.
template <class Policies>
class our_side {
    using connection_type = basic_connection<Policies>;

public:
    /// `window` is RCV.WND before the last segment.
    [[nodiscard]] static outcome play(const trial& c, std::uint32_t window, std::chrono::milliseconds quiet) {
        our_side us{c, window};
        us.go();
        // The peer's FIN takes one number of the window, and the kernel has opened it again: begin with one more.
        if (us.peer_.their_window() < window && !us.filled_) {
            us = our_side{c, window + (window - us.peer_.their_window())};
            us.go();
        }
        outcome out{.walked_to = us.conn_.at(), .window = us.peer_.their_window(), .peer = us.peer_};
        out.sent = ending(c, us.peer_);
        us.heard_.clear();
        const std::uint32_t taken = us.taken();
        const seq una = us.conn_.numbers().snd.una;
        out.judged = us.arrives(out.sent);
        us.waits(quiet);
        out.heard = std::exchange(us.heard_, {});
        out.replies = out.told(out.heard);
        out.at = us.conn_.at();
        constexpr state_set nothing = state::closed | state::listen;
        out.counted = !us.conn_.in(nothing);
        if (out.counted) {
            out.acked = us.conn_.numbers().snd.una - una;
            out.taken = us.taken() - taken;
        }
        static_cast<void>(us.arrives(question(c, out.peer)));
        out.answer = out.told(us.heard_);
        return out;
    }

private:
    our_side(const trial& c, std::uint32_t window) : way_{c.way}, peer_{c.with.timestamps} {
        given_.iss = seq{0x7ffffff8U};
        given_.rcv_buff = window != 0 ? window : filled_window;
        filled_ = window == 0;
    }

    void go() {
        for (const step& s : way_->steps) take(s);
    }
    void take(const step& s) {
        using enum step::what;
        switch (s.is) {
        case listens: {
            parameters any = given_;
            any.remote_specified = false;
            need(conn_.open_passive(any, now_));
            break;
        }
        case connects: need(conn_.open_active(given_, now_)); break;
        case sends: need(conn_.send(10, now_)); break;
        case shuts: need(conn_.close(now_)); break;
        case releases: need(conn_.close_both(now_)); break;
        case hears: arrives(said(s, peer_)); break;
        case fills:
            if (peer_.their_window() != 0) arrives(peer_.speaks(s.bits, peer_.their_window(), s.ack));
            break;
        }
        speaks();
        if (conn_.numbers().ack_due != never) waits(Policies::delayed_ack);
    }
    static void need(answer got) {
        if (got != answer::ok) throw std::runtime_error{"a call of a walk was refused"};
    }
    arrival arrives(const tcpfsm::segment& seg) {
        const arrival judged = conn_.handle_segment(seg, now_);
        speaks();
        return judged;
    }
    void speaks() {
        while (const auto out = conn_.poll_transmit(now_)) {
            heard_.push_back(out->segment);
            peer_.hears(out->segment);
        }
    }
    /// Time passes; what is due comes.
    void waits(duration how_long) {
        const time_point end = now_ + how_long;
        while (conn_.poll_timeout() <= end) {
            now_ = std::max(now_, conn_.poll_timeout());
            static_cast<void>(conn_.handle_timeout(now_));
            speaks();
        }
        now_ = end;
    }
    /// Numbers of the peer that have been taken and not read: text, and the FIN.
    [[nodiscard]] std::uint32_t taken() const {
        const auto& rcv = conn_.numbers().rcv;
        return rcv.user + (rcv.fin_known && rcv.nxt == rcv.fin_at + 1 ? 1U : 0U);
    }

    static constexpr std::uint32_t filled_window = 4000;  ///< where the walk fills it
    const walk* way_;
    hand peer_;
    parameters given_;
    bool filled_ = false;
    connection_type conn_;
    time_point now_{std::chrono::hours{1}};
    std::vector<tcpfsm::segment> heard_;
};

}  // namespace tcpfsm::differential
