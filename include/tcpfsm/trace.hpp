// SPDX-License-Identifier: MIT
// trace.hpp: a memory of the rows that a connection took.
#pragma once

#include <tcpfsm/event.hpp>
#include <tcpfsm/state.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>

// Everything that RFC 9293 section 3.10 let a connection do is a row of the table, so the rows taken are its
// whole history. Three octets a row are enough: citation, actions and what was said stand in the table
// (`cite` and `machine_table::at`), under the state and the event.

namespace tcpfsm {

/// One step of a machine: in this state, on this event, to that state.
struct taken_row {
    state from = state::closed;
    event on = event::open_passive;
    state to = state::closed;
    friend constexpr bool operator==(taken_row, taken_row) noexcept = default;
};

/// Remembers the last `N` rows, and counts all. A regular value, for `policies::recorder`:
///
///     struct traced : tcpfsm::policies {
///         using recorder = tcpfsm::row_recorder<16>;
///     };
///     tcpfsm::basic_connection<traced> conn;
///     for (const tcpfsm::taken_row& row : conn.recorder()) ...   // the oldest first
template <std::size_t N>
requires(N > 0) class row_recorder {
public:
    class iterator;

    /// A row was taken.
    constexpr void record(state from, event on, state to) noexcept {
        rows_[static_cast<std::size_t>(total_++ % N)] = {from, on, to};
    }
    /// Forgets everything.
    constexpr void clear() noexcept { *this = {}; }

    /// How many rows were ever taken.
    [[nodiscard]] constexpr std::uint64_t total() const noexcept { return total_; }
    /// How many of them are remembered.
    [[nodiscard]] constexpr std::size_t size() const noexcept {
        return total_ < N ? static_cast<std::size_t>(total_) : N;
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return total_ == 0; }
    /// The `i`-th row that is remembered, oldest first; right for i < size().
    [[nodiscard]] constexpr const taken_row& operator[](std::size_t i) const noexcept {
        return rows_[static_cast<std::size_t>((total_ - size() + i) % N)];
    }
    /// The last row taken; right unless empty().
    [[nodiscard]] constexpr const taken_row& back() const noexcept { return (*this)[size() - 1]; }
    [[nodiscard]] constexpr iterator begin() const noexcept { return {*this, 0}; }
    [[nodiscard]] constexpr iterator end() const noexcept { return {*this, size()}; }
    /// The first of the rows taken after `total()` was `before`, or the oldest that is remembered of them:
    /// `{since(before), end()}` is what happened meanwhile.
    [[nodiscard]] constexpr iterator since(std::uint64_t before) const noexcept {
        const std::uint64_t fresh = total_ - before;
        return {*this, fresh < size() ? static_cast<std::size_t>(size() - fresh) : 0};
    }

    /// Equal if they took equally many rows, and remember the same ones.
    friend constexpr bool operator==(const row_recorder&, const row_recorder&) noexcept = default;

private:
    std::array<taken_row, N> rows_{};  // a row that was not taken is zero, and the place of each follows from the total
    std::uint64_t total_ = 0;
};

/// Walks over the rows, oldest first. Any new row makes it invalid.
template <std::size_t N>
requires(N > 0) class row_recorder<N>::iterator {
public:
    using value_type = taken_row;
    using difference_type = std::ptrdiff_t;
    using reference = const taken_row&;
    using pointer = const taken_row*;
    using iterator_category = std::forward_iterator_tag;

    constexpr iterator() noexcept = default;
    constexpr iterator(const row_recorder& rows, std::size_t at) noexcept : rows_{&rows}, at_{at} {}

    constexpr reference operator*() const noexcept { return (*rows_)[at_]; }
    constexpr pointer operator->() const noexcept { return &**this; }
    constexpr iterator& operator++() noexcept {
        ++at_;
        return *this;
    }
    constexpr iterator operator++(int) noexcept {
        const iterator before = *this;
        ++at_;
        return before;
    }
    friend constexpr bool operator==(const iterator&, const iterator&) noexcept = default;

private:
    const row_recorder* rows_ = nullptr;
    std::size_t at_ = 0;
};

static_assert(std::regular<row_recorder<4>> && std::forward_iterator<row_recorder<4>::iterator>);
static_assert(sizeof(taken_row) == 3);

}  // namespace tcpfsm
