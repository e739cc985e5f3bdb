// SPDX-License-Identifier: MIT
// play.hpp: two hosts, a wire between them, and a clock of its own. An exchange is written as calls on these.
#pragma once

#include "story.hpp"

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace demo {

using namespace std::chrono_literals;

/// The connections of the lessons: no options but the MSS, so that the eye finds the numbers.
struct lesson : policies {
    using recorder = row_recorder<32>;
    static constexpr bool timestamps = false;
    static constexpr bool window_scale = false;
    static constexpr bool sack = false;
    static constexpr unsigned keep_alive_probes = 3;
};
/// The same, in a hurry: text goes with the SYN.
struct eager : lesson {
    static constexpr bool text_on_syn = true;
};
/// The defaults, with all their options.
struct complete : policies {
    using recorder = row_recorder<32>;
};
using any_connection = std::variant<basic_connection<lesson>, basic_connection<eager>, basic_connection<complete>>;

class play;

/// One end: a connection, its user, and the octets.
class host {
public:
    host(play& stage, side which, any_connection fresh, seq iss);

    /// What the next OPEN is told.
    parameters settings;

    // The user's calls. What they owe leaves with the next `run`.
    void open_passive();
    void open_active();
    void send(std::string_view text);
    void read();  ///< all there is
    void close();
    void abort();

    // The user's habits, and the world's.
    void does_not_read() { reads_ = false; }
    void reads_again();
    void next_is_lost() { ++to_lose_; }                         ///< one more of the next segments dies on its way
    void next_takes(duration d) { next_delay_ = d; }            ///< the next segment is slow
    void is_unplugged() { unplugged_ = true; }                  ///< whatever is sent to it dies
    void crashes();                                             ///< and forgets everything
    void gets(const segment& seg, std::string_view from_whom);  ///< a segment that the peer did not send (now)

    // What is expected.
    void is(state s);
    void walked(std::initializer_list<state> path);  ///< these states, since the beginning
    void was_told(signal s);
    void was_answered(answer a);
    void has_read(std::string_view text);

    [[nodiscard]] state at() const;

private:
    friend class play;
    /// Does something to the connection, and reports the rows that this took.
    template <class Act>
    auto act(Act&& what, std::size_t cause = happening::no_flight);
    void call(answer a);
    void arrives(std::size_t flight);
    void timeout();
    void poll();
    [[nodiscard]] time_point wakes() const;

    play& stage_;
    side which_;
    any_connection fresh_;
    any_connection conn_;
    std::string sending_;   // the send buffer: what is not acknowledged
    std::string received_;  // text, in order up to `in_order_`
    std::size_t in_order_ = 0;
    std::vector<state> path_{state::closed};
    std::vector<signal> told_;
    std::vector<answer> answers_;
    unsigned to_lose_ = 0;
    duration next_delay_{};
    bool reads_ = true;
    bool unplugged_ = false;
};

/// The stage.
class play {
public:
    play(story& told, const any_connection& fresh);

    [[nodiscard]] host& client() { return client_; }
    [[nodiscard]] host& server() { return server_; }

    /// Goes on until nothing more happens for half a second.
    void run() { run(500ms); }
    void run_for(duration d);
    /// Somebody explains.
    void note(std::string text);
    /// Both are ESTABLISHED, by the three-way handshake.
    void connect();

    /// Exactly these segments were sent, in this order, since the beginning or the last `sent`: tcpdump's
    /// notation, as far as given.
    void sent(std::initializer_list<std::string_view> segments);
    /// One expectation of any kind.
    void expect(bool met, std::string_view expected, std::string_view got);

private:
    friend class host;
    static constexpr duration one_way = 10ms;

    void run(duration quiet);
    void flush();
    void step();
    [[nodiscard]] time_point next() const;
    [[nodiscard]] host& at(side s) { return s == side::client ? client_ : server_; }
    void depart(flight f, duration takes);
    void happens(happening h);
    /// Two ends that answer each other without end are stopped: that is a deviation, too.
    [[nodiscard]] bool goes_on_for_ever();

    story& told_;
    time_point now_{};
    std::vector<std::size_t> in_flight_;
    std::size_t sent_checked_ = 0;
    bool endless_ = false;
    host client_;
    host server_;
};

}  // namespace demo
