// SPDX-License-Identifier: MIT
// layout.hpp: where states and arrows lie in the picture: as in Figure 5 of RFC 9293.
#pragma once

#include <tcpfsm/state.hpp>

#include <vector>

namespace docs {

using tcpfsm::state;

struct point {
    double x, y;
};
/// Left, middle and right column, and the rows of the figure, in points, downwards.
inline constexpr double left = 200, middle = 500, right = 800, bottom = 1200;
inline constexpr double half_width = 62, half_height = 20;

inline point position(state s) {
    switch (s) {
    case state::closed: return {middle, 40};
    case state::listen: return {middle, 170};
    case state::syn_sent: return {right, 310};
    case state::syn_received: return {left, 310};
    case state::established: return {middle, 440};
    case state::fin_wait_1: return {left, 570};
    case state::close_wait: return {right, 570};
    case state::fin_wait_2: return {left, 710};
    case state::closing: return {middle, 710};
    case state::last_ack: return {right, 710};
    case state::time_wait: return {middle, 850};
    }
    return {};
}
inline constexpr point closed_again{right, 850};  // the figure has CLOSED twice

/// The course of an arrow as Bezier curves (a first point, then three for each), its label's middle.
struct route {
    state from;
    state to;
    std::vector<point> course;
    point label;
};
inline const std::vector<route>& routes() {
    using enum state;
    constexpr double l = left, m = middle, r = right, w = half_width, h = half_height;
    static const std::vector<route> all = {
        {closed, listen, {{m - 24, 40 + h}, {m - 24, 80}, {m - 24, 120}, {m - 24, 170 - h}}, {m - 76, 105}},
        {listen, closed, {{m + 24, 170 - h}, {m + 24, 120}, {m + 24, 80}, {m + 24, 40 + h}}, {m + 68, 105}},
        {closed, syn_sent, {{m + w, 32}, {r - 20, 32}, {r + 24, 120}, {r + 24, 310 - h}}, {r + 84, 130}},
        {syn_sent, closed, {{r - 24, 310 - h}, {r - 24, 160}, {r - 80, 52}, {m + w, 50}}, {r - 108, 136}},
        {listen, syn_received, {{m - w, 178}, {l + 130, 178}, {l + 34, 210}, {l + 34, 310 - h}}, {m - 168, 216}},
        {syn_received, listen, {{l - 24, 310 - h}, {l - 24, 200}, {l + 80, 158}, {m - w, 162}}, {l + 24, 164}},
        {listen, syn_sent, {{m + w, 178}, {r - 130, 178}, {r - 44, 210}, {r - 44, 310 - h}}, {m + 150, 218}},
        {syn_sent, syn_received, {{r - w, 310}, {m + 100, 310}, {m - 100, 310}, {l + w, 310}}, {m, 290}},
        {syn_received, established, {{l + 34, 310 + h}, {l + 34, 400}, {l + 120, 434}, {m - w, 434}}, {m - 180, 385}},
        {syn_sent, established, {{r - 34, 310 + h}, {r - 34, 400}, {r - 120, 434}, {m + w, 434}}, {m + 180, 385}},
        {syn_received, fin_wait_1, {{l - 24, 310 + h}, {l - 24, 400}, {l - 24, 480}, {l - 24, 570 - h}}, {l - 58, 440}},
        {established, fin_wait_1, {{m - w, 448}, {l + 120, 448}, {l + 34, 480}, {l + 34, 570 - h}}, {m - 168, 490}},
        {established, close_wait, {{m + w, 448}, {r - 120, 448}, {r - 34, 480}, {r - 34, 570 - h}}, {m + 168, 490}},
        {fin_wait_1, fin_wait_2, {{l - 24, 570 + h}, {l - 24, 620}, {l - 24, 660}, {l - 24, 710 - h}}, {l - 78, 640}},
        {fin_wait_1, closing, {{l + w, 570}, {m - 60, 570}, {m, 620}, {m, 710 - h}}, {m - 88, 622}},
        {fin_wait_2, time_wait, {{l, 710 + h}, {l, 800}, {l + 90, 844}, {m - w, 844}}, {l + 138, 790}},
        {closing, time_wait, {{m, 710 + h}, {m, 760}, {m, 800}, {m, 850 - h}}, {m + 58, 780}},
        {close_wait, last_ack, {{r, 570 + h}, {r, 620}, {r, 660}, {r, 710 - h}}, {r + 36, 640}},
        {last_ack, closed, {{r, 710 + h}, {r, 760}, {r, 800}, {r, 850 - h}}, {r + 58, 780}},
        {time_wait, closed, {{m + w, 850}, {m + 110, 850}, {r - 110, 850}, {r - w, 850}}, {(m + r) / 2, 830}},
        {time_wait,
         syn_received,
         {{m - 12, 850 + h},
          {m - 12, 920},
          {m - 60, 938},
          {m - 120, 938},
          {l, 938},
          {l - 150, 938},
          {l - 150, 800},
          {l - 150, 700},
          {l - 150, 480},
          {l - 150, 400},
          {l - 150, 330},
          {l - 130, 304},
          {l - w, 304}},
         {m - 170, 961}},
        {syn_received,
         time_wait,
         {{l - w, 318},
          {l - 128, 318},
          {l - 128, 420},
          {l - 128, 500},
          {l - 128, 600},
          {l - 128, 680},
          {l - 128, 760},
          {l - 128, 880},
          {l - 60, 890},
          {l + 60, 890},
          {l + 140, 890},
          {m - 90, 890},
          {m - w - 2, 862}},
         {m - 170, 912}},
    };
    return all;
}

}  // namespace docs
