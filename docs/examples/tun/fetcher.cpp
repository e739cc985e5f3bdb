// SPDX-License-Identifier: MIT
#include "fetcher.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace tun {

fetcher::fetcher(stack& net, const settings& s) : net_{net}, url_{s.url}, begun_{net.now()} {
    const auto url = parse_url(s.url);
    request_ =
        fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: tcpfsm\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                    url->target, url->authority);
    to_ = file{s.output.empty() ? ::dup(STDOUT_FILENO)
                                : ::open(s.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (!to_) throw std::system_error{errno, std::generic_category(), "--output " + s.output};
    net_.connect(url->server);
}

bool fetcher::step(flow& tcp) {
    if (failed_) return false;
    if (!request_.empty()) return ask(tcp);
    if (done_) return false;
    if (tcp.peek().empty() && !tcp.at_end()) return false;
    return in_body_ ? read_body(tcp) : read_head(tcp);
}

bool fetcher::ask(flow& tcp) {
    const auto room = tcp.reserve();
    const std::size_t n = std::min(room.size(), request_.size());
    if (n == 0) return false;
    std::copy_n(request_.begin(), n, room.begin());
    tcp.commit(n);
    request_.erase(0, n);
    return true;
}

bool fetcher::read_head(flow& tcp) {
    const auto in = tcp.peek();
    if (in.empty()) return fail(tcp, "the server closed without an answer");
    tcp.consume(head_.feed(in));
    if (!head_.done()) return true;
    const auto got = head_.take_response();
    const auto* head = std::get_if<http::head>(&got);
    if (head == nullptr) return fail(tcp, "this is no HTTP/1.1");
    if (head->status < 200) return true;  // 100 Continue and the like announce another one
    if (head->status != 200) return fail(tcp, fmt::format("{} {}", head->status, http::reason(head->status)));
    body_ = http::body_reader{head->body};
    in_body_ = true;
    return read_body(tcp);
}

bool fetcher::read_body(flow& tcp) {
    const auto in = tcp.peek();
    const auto next = body_.feed(in);
    if (!to_.write(in.subspan(next.skip, next.text))) return fail(tcp, "the file cannot be written");
    tcp.consume(next.skip + next.text);
    octets_ += next.text;
    if (body_.bad()) return fail(tcp, "the chunks make no sense");
    if (in.empty() && tcp.at_end() && !body_.end()) return fail(tcp, "the server closed in the middle");
    if (!body_.done()) return !in.empty();  // the head may have come alone
    done_ = true;
    const double seconds = std::chrono::duration<double>(net_.now() - begun_).count();
    fmt::print(stderr, "{}: {} octets in {:.2f} s, {:.1f} MB/s\n", url_, octets_, seconds,
               static_cast<double>(octets_) / 1e6 / seconds);
    tcp.close();
    return false;
}

bool fetcher::fail(flow& tcp, std::string_view what) {
    fmt::print(stderr, "{}: {}\n", url_, what);
    failed_ = true;
    tcp.abort();
    return false;
}

void fetcher::ended(flow&, std::string_view why) {
    if (!done_ && !failed_) fmt::print(stderr, "{}: {}\n", url_, why);
    net_.leave(done_ && !failed_ ? 0 : 1);
}

void fetcher::stop() { net_.leave(1); }

}  // namespace tun
