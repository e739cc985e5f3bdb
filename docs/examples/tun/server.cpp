// SPDX-License-Identifier: MIT
#include "server.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>

namespace tun {

bool session::step(flow& tcp) {
    switch (at_) {
    case phase::head: return read_head(tcp);
    case phase::body: return read_body(tcp);
    case phase::text: return write_text(tcp);
    case phase::file: return write_file(tcp);
    case phase::drain: return drain(tcp);
    case phase::over: return false;
    }
    return false;
}

bool session::read_head(flow& tcp) {
    const auto in = tcp.peek();
    if (in.empty()) {
        if (!tcp.at_end()) return false;
        if (head_.begun()) refuse(400);
        if (at_ == phase::head) {
            tcp.close();
            at_ = phase::over;
        }
        return true;
    }
    tcp.consume(head_.feed(in));
    if (!head_.done()) return true;
    const auto got = head_.take_request();
    if (const auto* no = std::get_if<http::refusal>(&got)) {
        refuse(no->status);
    } else {
        begin(std::get<http::head>(got));
    }
    return true;
}

void session::begin(const http::head& request) {
    keep_alive_ = request.keep_alive;
    upload_ = {};
    file_ = {};
    const auto path = http::path_of(request.target);
    if (!path) return refuse(400);
    path_ = *path;
    const bool gets = request.method == "GET" || request.method == "HEAD";
    const bool puts = request.method == "PUT" || request.method == "POST";
    status_ = 0;
    if (puts) {
        const auto there = files_->open(path_);
        upload_ = files_->create(path_);
        status_ = !upload_ ? 403 : there ? 204 : 201;
    } else if (!gets) {
        status_ = 405;
    } else if (auto found = files_->open(path_)) {
        status_ = 200;
        size_ = found->size;
        offset_ = request.method == "HEAD" ? size_ : 0;
        file_ = std::move(found->handle);
    } else {
        status_ = 404;
    }
    body_ = http::body_reader{request.body};
    if (!quiet_) fmt::print("{} {} {}\n", request.method, path_, status_);
    if (body_.done()) return end_of_body();
    if (request.expects_continue) {
        if (status_ >= 400) return refuse(status_);  // its body need not come
        text_ = "HTTP/1.1 100 Continue\r\n\r\n";
        then_ = phase::body;
        at_ = phase::text;
        return;
    }
    at_ = phase::body;
}

bool session::read_body(flow& tcp) {
    const auto in = tcp.peek();
    if (in.empty()) {
        if (!tcp.at_end()) return false;
        upload_ = {};
        refuse(400);
        return true;
    }
    const auto next = body_.feed(in);
    if (upload_ && !upload_.write(in.subspan(next.skip, next.text))) {
        upload_ = {};
        status_ = 507;
    }
    tcp.consume(next.skip + next.text);
    if (body_.bad()) {
        upload_ = {};
        refuse(400);
    } else if (body_.done()) {
        end_of_body();
    }
    return true;
}

void session::end_of_body() {
    if (upload_ && !upload_.finish()) status_ = 507;
    switch (status_) {
    case 200: return answer(200, "Content-Type: application/octet-stream\r\n", size_);
    case 405: return answer(405, "Allow: GET, HEAD, PUT, POST\r\n");
    default: return answer(status_);
    }
}

void session::answer(int status, std::string_view fields, std::uint64_t length) {
    text_ = fmt::format("HTTP/1.1 {} {}\r\nServer: tcpfsm\r\n{}", status, http::reason(status), fields);
    if (status != 204) text_ += fmt::format("Content-Length: {}\r\n", length);
    text_ += keep_alive_ ? "\r\n" : "Connection: close\r\n\r\n";
    then_ = status == 200 ? phase::file : keep_alive_ ? phase::head : phase::drain;
    at_ = phase::text;
}

void session::refuse(int status) {
    keep_alive_ = false;
    answer(status);
}

bool session::write_text(flow& tcp) {
    if (!text_.empty()) {
        const auto room = tcp.reserve();
        const std::size_t n = std::min(room.size(), text_.size());
        if (n == 0) return false;
        std::copy_n(text_.begin(), n, room.begin());
        tcp.commit(n);
        text_.erase(0, n);
        return true;
    }
    at_ = then_ == phase::head && !keep_alive_ ? phase::drain : then_;
    if (at_ == phase::drain) tcp.close();
    return true;
}

bool session::write_file(flow& tcp) {
    if (offset_ == size_) {
        at_ = keep_alive_ ? phase::head : phase::drain;
        file_ = {};
        if (!keep_alive_) tcp.close();
        return true;
    }
    const auto room = tcp.reserve();
    if (room.empty()) return false;
    const std::size_t n = file_.read(offset_, room.first(std::min<std::uint64_t>(room.size(), size_ - offset_)));
    if (n == 0) {  // the file became shorter, and the length is already said
        tcp.abort();
        at_ = phase::over;
        return true;
    }
    tcp.commit(n);
    offset_ += n;
    return true;
}

bool session::drain(flow& tcp) {
    const auto in = tcp.peek();
    tcp.consume(in.size());
    return !in.empty();
}

void session::finish(flow& tcp) {
    keep_alive_ = false;
    if (at_ != phase::head || head_.begun()) return;
    at_ = phase::drain;
    tcp.close();
}

server::server(stack& net, const settings& s) : net_{net}, files_{s.root}, quiet_{s.quiet} {
    net_.listen(s.port);
    for (const auto& address : s.addresses) fmt::print("serving {} on {}\n", s.root, text_of({address, s.port}));
    std::fflush(stdout);
}

void server::opened(flow& tcp) { sessions_.insert_or_assign(tcp.slot(), session{files_, quiet_}); }

void server::ended(flow& tcp, std::string_view) { sessions_.erase(tcp.slot()); }

void server::stop() {
    net_.unlisten();
    for (auto& [slot, tcp] : net_.flows()) sessions_.at(slot).finish(tcp);
    net_.leave(0);
}

}  // namespace tun
