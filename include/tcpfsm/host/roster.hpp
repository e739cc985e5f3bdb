// SPDX-License-Identifier: MIT
// roster.hpp: the slots of a host: who sits where, who owes, who has news, who waits for what.
#pragma once

#include <tcpfsm/host/lobby.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// The life of a slot: free; seated (found by its four-tuple); perhaps known to a user by a handle; its
// connection ends, and it is no longer found; let go by the user; free again. The chains say who has work, so
// nothing here looks at all slots.

namespace tcpfsm {

template <class Policies>
class basic_roster : public basic_lobby<Policies> {
    using basic_lobby<Policies>::slots_;
    using basic_lobby<Policies>::telling_;

public:
    using basic_lobby<Policies>::leave_backlog;
    using basic_lobby<Policies>::leave_early;
    using basic_lobby<Policies>::let_go;
    using basic_lobby<Policies>::offer;
    using basic_lobby<Policies>::tell;
    using slot_type = slot<Policies>;
    using audience = typename slot_type::audience;

    constexpr basic_roster(const host_config& config, const basic_host_memory<Policies>& memory) noexcept
        : basic_lobby<Policies>{memory.listeners},
          secret_{config.secret},
          snd_buff_{config.snd_buff},
          orphan_timeout_{config.orphan_timeout},
          each_{std::size_t{config.snd_buff} + config.rcv_buff},
          octets_{memory.octets},
          deadlines_{memory.deadlines},
          table_{memory.cells},
          retired_{memory.lingering} {
        const std::size_t rooms = each_ == 0 ? memory.slots.size() : octets_.size() / each_;
        const std::size_t cells = memory.cells.empty() ? 0 : memory.cells.size() - 1;
        const std::size_t most =
            std::min({memory.slots.size(), rooms, memory.deadlines.size(), cells, std::size_t{nobody}});
        slots_ = memory.slots.first(most);
        for (std::uint32_t i = 0; i < most; ++i) {
            slots_[i] = {};
            free_.push(slots_, i);
        }
    }

    [[nodiscard]] constexpr slot_type& operator[](std::uint32_t i) noexcept { return slots_[i]; }
    [[nodiscard]] constexpr const slot_type& operator[](std::uint32_t i) const noexcept { return slots_[i]; }
    [[nodiscard]] constexpr std::size_t capacity() const noexcept { return slots_.size(); }
    [[nodiscard]] constexpr std::size_t used() const noexcept { return used_; }

    /// The connection with this name, or `nobody`; from `capacity()` on it is one of those that are kept in TIME-WAIT.
    [[nodiscard]] constexpr std::uint32_t find(const four_tuple& between) const noexcept {
        return find(between, hash_of(between));
    }
    [[nodiscard]] constexpr std::uint32_t find(const four_tuple& between, std::uint64_t hash) const noexcept {
        return table_.find(hash, [&](std::uint32_t i) {
            return i < slots_.size() ? slots_[i].between == between : retired_.is(retired(i), between, hash);
        });
    }
    [[nodiscard]] constexpr std::uint64_t hash_of(const four_tuple& between) const noexcept {
        return table_hash(secret_, between);
    }
    /// The connection with this hash will be looked for soon: first where it stands, then the connection itself.
    constexpr void expect(std::uint64_t hash) const noexcept { table_.expect(hash); }
    constexpr void approach(std::uint64_t hash) const noexcept {
        (void)table_.find(hash, [&](std::uint32_t i) {
            if (i < slots_.size()) {
                prefetch(slots_[i]);
                deadlines_.expect(i);
            }
            return true;
        });
    }
    /// The connection with this handle, or `nobody` if that is stale.
    [[nodiscard]] constexpr std::uint32_t find(handle h) const noexcept {
        const bool right = h.place < slots_.size() && slots_[h.place].generation == h.generation;
        return right && slots_[h.place].known == audience::user ? h.place : nobody;
    }

    /// A fresh slot for a connection that is not there yet, or `nobody`. When none is free, the connection that
    /// has been in TIME-WAIT for longest, and that no user knows, makes room.
    constexpr std::uint32_t seat(const four_tuple& between) noexcept {
        if (free_.empty() && !lingering_.empty()) vacate(lingering_.first());
        const std::uint32_t i = free_.first();
        if (i == nobody) return nobody;
        const std::uint64_t hash = table_hash(secret_, between);
        if (!table_.insert(hash, i)) return nobody;
        free_.remove(slots_, i);
        ++used_;
        slot_type fresh;
        fresh.generation = slots_[i].generation;
        fresh.between = between;
        fresh.hash = hash;
        fresh.seated = true;
        const auto room = octets_.subspan(i * each_, each_);
        fresh.stream = span_stream<Policies>{span_buffers{room.first(snd_buff_), room.subspan(snd_buff_)}};
        slots_[i] = fresh;
        return i;
    }
    /// The slot is free, whatever it was.
    constexpr void vacate(std::uint32_t i) noexcept {
        slot_type& s = slots_[i];
        unseat(i);
        leave_backlog(i);
        leave_early(i);
        deadlines_.disarm(i);
        owing_.remove(slots_, i);
        telling_.remove(slots_, i);
        lingering_.remove(slots_, i);
        s.known = audience::none;
        ++s.generation;
        free_.push(slots_, i);
        --used_;
    }
    /// Something was done to the connection: it may owe segments, have news, or have ended.
    constexpr void touch(std::uint32_t i, time_point now) noexcept {
        slot_type& s = slots_[i];
        gather(i);
        if (!s.stream.tcp().numbers().early()) leave_early(i);
        // A child that went back to LISTEN has nothing to listen for (3.10.7.4 second, MUST-11).
        if (s.stream.in(state::listen)) {
            (void)s.stream.abort(now);
            tell(i, news::reset);
        }
        if (s.stream.in(state::closed)) {
            unseat(i);
            s.undecided = false;
        }
        if (s.stream.in(state::closed | states::lingering)) conclude(i);
        linger(i);
        limit_orphan(i, now);
        if (s.undecided) return schedule(i);
        owing_.push(slots_, i);  // its deadline is looked up when it has been polled
    }
    /// Lets go of a connection whose end was told, and all of whose text was read; frees what nobody needs.
    constexpr void tidy(std::uint32_t i) noexcept {
        slot_type& s = slots_[i];
        if (s.known == audience::user && s.told_end && s.stream.readable() == 0) let_go(i);
        linger(i);
        if (s.known != audience::none || s.owes.in) return;
        if (s.stream.in(state::closed)) vacate(i);
        if (lingering_.has(slots_, i)) retire(i);
    }

    // --- TIME-WAIT, when nobody knows the connection -------------------------------------------------

    /// Connections that are kept in TIME-WAIT without a slot.
    [[nodiscard]] constexpr const time_waits& retired() const noexcept { return retired_; }
    /// Which one `find` has found.
    [[nodiscard]] constexpr std::uint32_t retired(std::uint32_t i) const noexcept {
        return i - static_cast<std::uint32_t>(slots_.size());
    }
    constexpr void change_retired(std::uint32_t k, const lingering_numbers& n) noexcept { retired_.change(k, n); }
    constexpr void forget_retired(std::uint32_t k) noexcept {
        table_.erase(retired_.hash(k, [this](const four_tuple& b) { return hash_of(b); }), in_table(k));
        retired_.remove(k);
    }
    /// Whether somebody could be seated.
    [[nodiscard]] constexpr bool has_seat() const noexcept { return !free_.empty() || !lingering_.empty(); }
    /// TIME-WAIT is over for those whose time has come: the row says that nothing of them remains.
    constexpr void end_retired(time_point now, unsigned& steps) noexcept {
        for (; steps != 0 && retired_.first_end() <= now && retired_.size() != 0; --steps)
            forget_retired(retired_.first());
    }

    /// Who may owe a segment, or `nobody`.
    [[nodiscard]] constexpr std::uint32_t owing() const noexcept { return owing_.first(); }
    constexpr void to_the_end(std::uint32_t i) noexcept {
        owing_.remove(slots_, i);
        owing_.push(slots_, i);
    }
    /// Whoever is next will be asked soon.
    constexpr void expect_after(std::uint32_t i) const noexcept {
        if (const std::uint32_t next = slots_[i].owes.behind; next != nobody) prefetch(slots_[next]);
    }
    constexpr void owes_nothing(std::uint32_t i) noexcept { owing_.remove(slots_, i); }

    /// The connection is looked at no later than it wishes.
    constexpr void schedule(std::uint32_t i) noexcept { deadlines_.arm(i, deadline(i)); }
    /// The same, but later than now: what is overdue although it was served waits to be polled.
    constexpr void schedule_after(std::uint32_t i, time_point now) noexcept {
        deadlines_.disarm(i);
        deadlines_.arm(i, std::max(deadline(i), after(now, duration{1})));
    }
    /// No deadline is earlier.
    [[nodiscard]] constexpr time_point first_deadline() const noexcept {
        return std::min(deadlines_.first(), retired_.first_end());
    }
    /// A connection whose deadline has come, or `nobody`; see `deadlines::take`.
    constexpr std::uint32_t take_due(time_point now, unsigned& steps) noexcept {
        for (;;) {
            const std::uint32_t i = deadlines_.take(now, steps);
            if (i == nobody || deadline(i) <= now) return i;
            schedule(i);  // it has moved on
        }
    }

private:
    [[nodiscard]] constexpr time_point deadline(std::uint32_t i) const noexcept {
        return std::min(slots_[i].stream.poll_timeout(), slots_[i].give_up);
    }
    /// The name is free for another connection.
    constexpr void unseat(std::uint32_t i) noexcept {
        if (!slots_[i].seated) return;
        table_.erase(slots_[i].hash, i);
        slots_[i].seated = false;
    }
    [[nodiscard]] constexpr std::uint32_t in_table(std::uint32_t k) const noexcept {
        return static_cast<std::uint32_t>(slots_.size()) + k;
    }
    /// A connection in TIME-WAIT needs no slot.
    constexpr void retire(std::uint32_t i) noexcept {
        constexpr cell end =
            basic_machine<typename Policies::table>::table.at(state::time_wait, event::timeout_time_wait);
        constexpr bool plain = end.next() == state::closed && 2 * Policies::msl < longest_retired;
        if constexpr (plain) {
            const auto numbers = retired_.capacity() == 0 ? std::nullopt : slots_[i].stream.tcp().lingering();
            if (!numbers || slots_[i].stream.readable() != 0) return;
            // Whoever is so late that the clock of the others cannot say it has been forgotten by everybody.
            while (retired_.size() != 0 && retired_.first_end() + longest_retired < numbers->ends)
                forget_retired(retired_.first());
            const std::uint32_t k = retired_.add(slots_[i].between, slots_[i].hash, slots_[i].ip, *numbers);
            if (k == nobody) return;
            const std::uint64_t hash = slots_[i].hash;
            vacate(i);
            (void)table_.insert(hash, in_table(k));  // there is room: the slot has just left it
        }
    }
    /// The connection's signals become news.
    constexpr void gather(std::uint32_t i) noexcept {
        constexpr news translated[signal_count] = {
            news::accepted, news::opened,  news::urgent, news::trouble,   news::soft_error,  news::user_timeout,
            news::closing,  news::refused, news::reset,  news::timed_out, news::unreachable, news::closed};
        slot_type& s = slots_[i];
        while (const auto told = s.stream.poll_signal()) {
            const bool early = *told == signal::tell_early;
            if (early && s.undecided) continue;  // the user is told of it as `incoming`
            if (early || (*told == signal::tell_open && s.in_backlog)) {
                offer(i, news::accepted);
            } else {
                tell(i, translated[static_cast<std::size_t>(*told)]);
            }
        }
    }
    /// Both sides are done: the user is told so, or, if he was never told of the connection, never is.
    constexpr void conclude(std::uint32_t i) noexcept {
        leave_backlog(i);
        if (slots_[i].known == audience::offered) let_go(i);
        tell(i, news::closed);
    }
    /// Nobody knows the connection, and nobody will.
    [[nodiscard]] constexpr bool alone(std::uint32_t i) const noexcept {
        return slots_[i].known == audience::none && !slots_[i].in_backlog;
    }
    /// In TIME-WAIT, and alone: it may have to make room for another.
    constexpr void linger(std::uint32_t i) noexcept {
        if (alone(i) && slots_[i].stream.in(states::lingering)) {
            lingering_.push(slots_, i);
        } else {
            lingering_.remove(slots_, i);
        }
    }
    /// In FIN-WAIT-2, and alone: the peer has only so much time left.
    constexpr void limit_orphan(std::uint32_t i, time_point now) noexcept {
        constexpr state_set peer_to_close = state::fin_wait_2;
        slot_type& s = slots_[i];
        if (!alone(i) || !s.stream.in(peer_to_close)) {
            s.give_up = never;
        } else if (s.give_up == never) {
            s.give_up = after(now, orphan_timeout_);
        }
    }

    static constexpr duration longest_retired{std::int64_t{1} << 28U};  // what `time_wait` has bits for

    hash_key secret_;
    std::size_t snd_buff_;
    duration orphan_timeout_;
    std::size_t each_;
    std::span<std::uint8_t> octets_;
    deadlines deadlines_;
    demultiplexer table_;
    time_waits retired_;
    chain<&slot_type::waits> free_{};
    chain<&slot_type::waits> lingering_{};
    chain<&slot_type::owes> owing_{};
    std::size_t used_ = 0;
};

}  // namespace tcpfsm
