// SPDX-License-Identifier: MIT
#include "play.hpp"

#include <tcpfsm/format.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace demo {

namespace {

constexpr std::uint32_t next_incarnation = 300;  // as figure 9 has it: 100, then 400

template <class Values>
std::string list(const Values& values) {
    std::string out;
    for (const auto& v : values) out += fmt::format("{}{}", out.empty() ? "" : ", ", v);
    return out.empty() ? "nothing" : out;
}

}  // namespace

std::string story::notation(const flight& f, bool with_options) const {
    tcpfsm::segment seg = f.segment;
    if (!with_options) seg.options = {};
    if (!relative) return fmt::format("{}", seg);
    return fmt::format("{}", tcpfsm::relative(seg, iss[index(f.from)], iss[index(other(f.from))]));
}

// --- The host ------------------------------------------------------------------------------------------

host::host(play& stage, side which, any_connection fresh, seq iss)
    : stage_{stage}, which_{which}, fresh_{fresh}, conn_{fresh} {
    settings.iss = iss;
}

template <class Act>
auto host::act(Act&& what, std::size_t cause) {
    return std::visit(
        [&](auto& conn) {
            const auto before = conn.recorder().total();
            const auto result = what(conn);
            for (auto row = conn.recorder().since(before); row != conn.recorder().end(); ++row) {
                if (row->to != path_.back()) path_.push_back(row->to);
                happening h{.what = happening::kind::row, .who = which_, .flight = cause, .row = *row, .text = {}};
                h.states[index(which_)] = row->to;
                stage_.happens(std::move(h));
            }
            while (const auto said = conn.poll_signal()) {
                told_.push_back(*said);
                stage_.happens({.what = happening::kind::told,
                                .who = which_,
                                .flight = cause,
                                .text = fmt::format("the user is told: {}", *said)});
            }
            return result;
        },
        conn_);
}

void host::call(answer a) {
    answers_.push_back(a);
    if (a == answer::ok) return;
    stage_.happens({.what = happening::kind::told, .who = which_, .text = fmt::format("{}", a)});
}

void host::open_passive() {
    call(act([&](auto& conn) { return conn.open_passive(settings, stage_.now_); }));
    stage_.told_.iss[index(which_)] = settings.iss;
    settings.iss += next_incarnation;
}

void host::open_active() {
    call(act([&](auto& conn) { return conn.open_active(settings, stage_.now_); }));
    stage_.told_.iss[index(which_)] = settings.iss;
    settings.iss += next_incarnation;
}

void host::send(std::string_view text) {
    const auto octets = static_cast<std::uint32_t>(text.size());
    const answer a = act([&](auto& conn) { return conn.send(octets, stage_.now_); });
    if (a == answer::ok) sending_ += text;
    call(a);
}

void host::reads_again() {
    reads_ = true;
    read();
}

void host::read() {
    call(act([&](auto& conn) { return conn.receive(conn.readable(), stage_.now_); }));
}

void host::close() {
    call(act([&](auto& conn) { return conn.close(stage_.now_); }));
}

void host::abort() {
    call(act([&](auto& conn) { return conn.abort(stage_.now_); }));
}

void host::crashes() {
    conn_ = fresh_;
    sending_.clear();
    received_.clear();
    in_order_ = 0;
    path_ = {state::closed};
    stage_.note(fmt::format("the {} crashes and forgets everything", which_ == side::client ? "client" : "server"));
}

void host::gets(const segment& seg, std::string_view from_whom) {
    flight f{.segment = seg, .text = std::vector<std::uint8_t>(seg.text), .from = other(which_), .remark = {}};
    f.remark = from_whom;
    stage_.depart(std::move(f), play::one_way);
}

void host::arrives(std::size_t number) {
    const flight& f = stage_.told_.flights[number];
    stage_.happens({.what = happening::kind::arrives, .who = which_, .flight = number, .text = {}});
    const arrival a = act([&](auto& conn) { return conn.handle_segment(f.segment, stage_.now_); }, number);
    sending_.erase(0, a.acked);
    const std::size_t place = in_order_ + a.at;
    received_.resize(std::max(received_.size(), place + a.text));
    std::copy_n(f.text.begin() + a.skip, a.text, received_.begin() + static_cast<std::ptrdiff_t>(place));
    in_order_ += a.in_order;
    if (reads_ && std::visit([](const auto& conn) { return conn.readable() != 0; }, conn_)) read();
}

void host::timeout() {
    act([&](auto& conn) {
        conn.handle_timeout(stage_.now_);
        return 0;
    });
}

void host::poll() {
    const auto next = [this] { return act([&](auto& conn) { return conn.poll_transmit(stage_.now_); }); };
    while (const auto out = next()) {
        if (stage_.goes_on_for_ever()) return;
        flight f{.segment = out->segment, .text = {}, .from = which_, .remark = {}};
        const std::string_view text = std::string_view{sending_}.substr(out->at, out->segment.text);
        f.text.assign(text.begin(), text.end());
        f.lost = stage_.at(other(which_)).unplugged_ || to_lose_ != 0;
        if (to_lose_ != 0) --to_lose_;
        stage_.depart(std::move(f), std::exchange(next_delay_, {}));
    }
}

time_point host::wakes() const {
    return std::visit([](const auto& conn) { return conn.poll_timeout(); }, conn_);
}

state host::at() const {
    return std::visit([](const auto& conn) { return conn.at(); }, conn_);
}

void host::is(state s) {
    stage_.expect(at() == s, fmt::format("{} at the {}", s, which_ == side::client ? "client" : "server"),
                  fmt::format("{}", at()));
}

void host::walked(std::initializer_list<state> path) {
    stage_.expect(std::equal(path.begin(), path.end(), path_.begin(), path_.end()), list(path), list(path_));
}

void host::was_told(signal s) {
    const bool was = std::find(told_.begin(), told_.end(), s) != told_.end();
    stage_.expect(was, fmt::format("the user to be told \"{}\"", s), list(told_));
}

void host::was_answered(answer a) {
    const bool was = !answers_.empty() && answers_.back() == a;
    stage_.expect(was, fmt::format("the answer \"{}\"", a), list(answers_));
}

void host::has_read(std::string_view text) {
    const std::string_view got = std::string_view{received_}.substr(0, in_order_);
    stage_.expect(got == text, fmt::format("the text \"{}\"", text), fmt::format("\"{}\"", got));
}

// --- The stage -----------------------------------------------------------------------------------------

play::play(story& told, const any_connection& fresh)
    : told_{told}, client_{*this, side::client, fresh, seq{100}}, server_{*this, side::server, fresh, seq{300}} {}

void play::happens(happening h) {
    h.when = now_;
    for (const side s : both) {
        if (h.what != happening::kind::row || s != h.who) h.states[index(s)] = at(s).at();
    }
    told_.happenings.push_back(std::move(h));
}

void play::note(std::string text) { happens({.what = happening::kind::note, .text = std::move(text)}); }

void play::depart(flight f, duration takes) {
    f.sent = now_;
    f.arrives = now_ + (takes == duration{} ? one_way : takes);
    const std::size_t number = told_.flights.size();
    const side from = f.from;
    if (!f.lost) in_flight_.push_back(number);
    told_.flights.push_back(std::move(f));
    happens({.what = happening::kind::departs, .who = from, .flight = number, .text = {}});
}

void play::flush() {
    client_.poll();
    server_.poll();
}

time_point play::next() const {
    time_point first = std::min(client_.wakes(), server_.wakes());
    for (const std::size_t i : in_flight_) first = std::min(first, told_.flights[i].arrives);
    return first;
}

void play::step() {
    now_ = std::max(now_, next());
    bool arrived = false;
    for (const side to : both) {  // one segment for each, then both may answer
        const auto due = [&](std::size_t i) { return told_.flights[i].arrives <= now_ && told_.flights[i].from != to; };
        const auto first = std::find_if(in_flight_.begin(), in_flight_.end(), due);
        if (first == in_flight_.end()) continue;
        const std::size_t number = *first;
        in_flight_.erase(first);
        at(to).arrives(number);
        arrived = true;
    }
    for (const side s : both) {
        if (!arrived && at(s).wakes() <= now_) at(s).timeout();
    }
    flush();
}

bool play::goes_on_for_ever() {
    constexpr std::size_t most = 2000;
    if (told_.happenings.size() < most) return false;
    if (!endless_) expect(false, "an exchange that ends", fmt::format("{} happenings", most));
    endless_ = true;
    return true;
}

void play::run(duration quiet) {
    flush();
    while (!goes_on_for_ever() && next() != never && next() - now_ <= quiet) step();
}

void play::run_for(duration d) {
    const time_point end = now_ + d;
    flush();
    while (!goes_on_for_ever() && next() <= end) step();
    now_ = end;
}

void play::connect() {
    server_.open_passive();
    client_.open_active();
    run();
    client_.is(state::established);
    server_.is(state::established);
    sent({"S 100:100(0)", "S. 300:300(0) ack 101", ". 101:101(0) ack 301"});
}

void play::expect(bool met, std::string_view expected, std::string_view got) {
    ++told_.expectations;
    if (!met)
        told_.deviations.push_back(fmt::format("at {:.3f} s: expected {}; got {}",
                                               std::chrono::duration<double>(now_.time_since_epoch()).count(), expected,
                                               got));
}

void play::sent(std::initializer_list<std::string_view> segments) {
    std::vector<std::string> real;
    for (; sent_checked_ != told_.flights.size(); ++sent_checked_) {
        const flight& f = told_.flights[sent_checked_];
        if (f.remark.empty()) real.push_back(told_.notation(f, false));
    }
    const auto fits = [](std::string_view wanted, std::string_view got) {
        return got.starts_with(wanted) && (got.size() == wanted.size() || got[wanted.size()] == ' ');
    };
    const bool met = std::equal(segments.begin(), segments.end(), real.begin(), real.end(), fits);
    expect(met, list(segments), list(real));
}

}  // namespace demo
