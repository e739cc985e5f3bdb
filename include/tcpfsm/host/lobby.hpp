// SPDX-License-Identifier: MIT
// lobby.hpp: who knows of a connection: its listener, its user.
#pragma once

#include <tcpfsm/host/slot.hpp>

#include <bit>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

namespace tcpfsm {

/// The slots of a host and its listeners: who has a handle, who has news, who counts in whose backlog.
template <class Policies>
class basic_lobby {
public:
    using slot_type = slot<Policies>;
    using audience = typename slot_type::audience;

    [[nodiscard]] constexpr handle handle_of(std::uint32_t i) const noexcept { return {i, slots_[i].generation}; }
    /// The user has no handle any more. News go nowhere.
    constexpr void let_go(std::uint32_t i) noexcept {
        slot_type& s = slots_[i];
        s.known = audience::none;
        s.news = 0;
        telling_.remove(slots_, i);
        ++s.generation;
    }

    /// Tells the user, if there is one.
    constexpr void tell(std::uint32_t i, news what) noexcept {
        slot_type& s = slots_[i];
        const bool again = is_end(what) && s.ended;
        if (s.known == audience::none || again) return;
        s.ended = is_end(what) || s.ended;
        s.news = static_cast<std::uint16_t>(s.news | 1U << static_cast<unsigned>(what));
        telling_.push(slots_, i);
    }
    /// Tells the user of a connection that he does not know.
    constexpr void offer(std::uint32_t i, news what) noexcept {
        slots_[i].known = audience::offered;
        tell(i, what);
    }
    /// The next news of anyone; the slots take turns.
    constexpr std::optional<host_event> next_news() noexcept {
        const std::uint32_t i = telling_.first();
        if (i == nobody) return std::nullopt;
        slot_type& s = slots_[i];
        const host_event e{handle_of(i), static_cast<news>(std::countr_zero(s.news)), s.from};
        s.known = audience::user;
        if (e.what == news::accepted) leave_backlog(i);
        s.news = static_cast<std::uint16_t>(s.news & (s.news - 1U));
        telling_.remove(slots_, i);
        if (s.news != 0) telling_.push(slots_, i);
        s.told_end = s.told_end || is_end(e.what);
        return e;
    }

    [[nodiscard]] constexpr std::span<listener> listeners() noexcept { return listeners_; }
    /// The connection counts in the backlog of this listener.
    constexpr void join_backlog(std::uint32_t i, listener_id from) noexcept {
        slots_[i].from = from;
        slots_[i].in_backlog = true;
        ++listeners_[from.place].waiting;
    }
    constexpr void leave_backlog(std::uint32_t i) noexcept {
        slot_type& s = slots_[i];
        if (!s.in_backlog) return;
        s.in_backlog = false;
        listener& l = listeners_[s.from.place];
        if (l.generation == s.from.generation) --l.waiting;
    }

    /// One more connection of this listener may open early (RFC 7413 section 5.1).
    [[nodiscard]] constexpr bool may_open_early(std::uint32_t place, time_point now) noexcept {
        listener& l = listeners_[place];
        if (l.refused_until <= now) {
            l.early -= l.refused;
            l.refused = 0;
        }
        return l.early < l.options.fast_open;
    }
    constexpr void join_early(std::uint32_t i) noexcept {
        slots_[i].early = true;
        ++listeners_[slots_[i].from.place].early;
    }
    constexpr void leave_early(std::uint32_t i) noexcept {
        slot_type& s = slots_[i];
        if (!s.early) return;
        s.early = false;
        listener& l = listeners_[s.from.place];
        if (l.generation == s.from.generation) --l.early;
    }
    /// The peer has ended the connection. If it had opened early it counts for a while yet: who can make others send
    /// resets could else open as many as he likes.
    constexpr void ended_by_peer(std::uint32_t i, time_point now) noexcept {
        constexpr duration while_yet = std::chrono::minutes{1};
        slot_type& s = slots_[i];
        if (!s.early || !s.stream.in(state::closed)) return;
        s.early = false;
        listener& l = listeners_[s.from.place];
        if (l.generation != s.from.generation) return;
        ++l.refused;
        l.refused_until = after(now, while_yet);
    }

protected:
    constexpr explicit basic_lobby(std::span<listener> memory) noexcept : listeners_{memory} {
        for (listener& l : listeners_) l = {};
    }

    std::span<listener> listeners_;
    std::span<slot_type> slots_{};
    chain<&slot_type::tells> telling_{};
};

}  // namespace tcpfsm
