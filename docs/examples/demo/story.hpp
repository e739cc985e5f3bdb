// SPDX-License-Identifier: MIT
// story.hpp: what happened in an exchange, for those who show it: ladder, picture, capture.
#pragma once

#include <tcpfsm/tcpfsm.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace demo {

using namespace tcpfsm;

/// The two ends. The client is drawn on the left.
enum class side : std::uint8_t { client, server };
inline constexpr side both[] = {side::client, side::server};
[[nodiscard]] constexpr std::size_t index(side s) { return static_cast<std::size_t>(s); }
[[nodiscard]] constexpr side other(side s) { return s == side::client ? side::server : side::client; }

/// A segment on its way, with its octets.
struct flight {
    tcpfsm::segment segment;
    std::vector<std::uint8_t> text;
    side from = side::client;
    time_point sent{};
    time_point arrives{};
    bool lost = false;
    std::string remark;  ///< "an old duplicate": what the host it seems to come from knows nothing of
};

/// One thing that happened.
struct happening {
    enum class kind : std::uint8_t {
        departs,  ///< the flight leaves `who`
        arrives,  ///< the flight reaches `who`
        row,      ///< `who` takes a row of the table
        told,     ///< the user of `who` is told something, or answered with an error
        note,     ///< somebody explains
    };
    kind what{};
    side who{};
    time_point when{};
    std::array<state, 2> states{};   ///< of client and server, afterwards
    std::size_t flight = no_flight;  ///< which departs or arrives, or made the row be taken
    taken_row row{};
    std::string text;

    static constexpr std::size_t no_flight = static_cast<std::size_t>(-1);
};

/// All of it, and how it was judged.
struct story {
    std::string name;
    std::string title;
    std::string cites;
    std::string lesson;
    bool relative = false;     ///< numbers are told from the ISS
    std::array<seq, 2> iss{};  ///< of client and server
    four_tuple between;        ///< as the client sees it
    std::vector<flight> flights;
    std::vector<happening> happenings;
    std::size_t expectations = 0;
    std::vector<std::string> deviations;  ///< "expected ..., got ..."

    /// The segment in tcpdump's notation.
    [[nodiscard]] std::string notation(const flight& f, bool with_options = true) const;
};

}  // namespace demo
