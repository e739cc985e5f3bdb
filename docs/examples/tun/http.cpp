// SPDX-License-Identifier: MIT
#include "http.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace tun::http {
namespace {

bool same(std::string_view a, std::string_view b) {
    const auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return low(x) == low(y); });
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Takes what lies before `separator` from the front of `text`, and the separator too.
std::string_view take_until(std::string_view& text, std::string_view separator) {
    const auto at = text.find(separator);
    const auto got = text.substr(0, at);
    text.remove_prefix(at == text.npos ? text.size() : at + separator.size());
    return got;
}

std::optional<std::uint64_t> number(std::string_view text, int base = 10) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// RFC 9110 section 5.6.2: what methods and field names are made of.
bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
    });
}

/// The header fields that matter here, into `to`. Answers a status, or 0 if they are sound.
int read_fields(std::string_view text, head& to, bool http_1_1) {
    std::optional<std::uint64_t> length;
    bool in_chunks = false;
    to.keep_alive = http_1_1;
    while (!text.empty()) {
        std::string_view line = take_until(text, "\r\n");
        if (line.empty()) break;
        if (line.find(':') == line.npos) return 400;
        const auto name = take_until(line, ":");
        const auto value = trimmed(line);
        if (!is_token(name)) return 400;  // folded lines, and blanks before the colon, included
        if (same(name, "content-length")) {
            const auto n = number(value);
            if (!n || (length && *length != *n)) return 400;
            length = n;
        } else if (same(name, "transfer-encoding")) {
            if (!same(value, "chunked") || in_chunks) return 501;
            in_chunks = true;
        } else if (same(name, "connection")) {
            if (same(value, "close")) to.keep_alive = false;
            if (same(value, "keep-alive")) to.keep_alive = true;
        } else if (same(name, "expect")) {
            to.expects_continue = same(value, "100-continue");
        }
    }
    if (in_chunks && length) return 400;  // RFC 9112 section 6.3: smuggling begins here
    if (in_chunks) to.body = chunked{};
    if (length) to.body = *length;
    if (!in_chunks && !length && to.status != 0) to.body = until_close{};
    return 0;
}

std::variant<head, refusal> parse_request(std::string_view text) {
    std::string_view line = take_until(text, "\r\n");
    head got;
    got.method = take_until(line, " ");
    got.target = take_until(line, " ");
    if (!is_token(got.method) || got.target.empty()) return refusal{400};
    if (!line.starts_with("HTTP/")) return refusal{400};
    if (line != "HTTP/1.1" && line != "HTTP/1.0") return refusal{505};
    if (const int status = read_fields(text, got, line == "HTTP/1.1")) return refusal{status};
    return got;
}

std::variant<head, refusal> parse_response(std::string_view text) {
    std::string_view line = take_until(text, "\r\n");
    head got;
    const auto version = take_until(line, " ");
    const auto status = number(take_until(line, " "));
    if (!version.starts_with("HTTP/1.") || !status || *status < 100 || *status > 999) return refusal{400};
    got.status = static_cast<int>(*status);
    if (read_fields(text, got, version == "HTTP/1.1") != 0) return refusal{400};
    if (got.status < 200 || got.status == 204 || got.status == 304) got.body = std::uint64_t{0};
    return got;
}

}  // namespace

std::size_t head_reader::feed(octets in) {
    std::size_t taken = 0;
    while (!done() && taken < in.size()) {
        const char c = static_cast<char>(in[taken++]);
        if (text_.empty() && (c == '\r' || c == '\n')) continue;  // RFC 9112 section 2.2
        text_.push_back(c);
        done_ = text_.ends_with("\r\n\r\n");
        too_long_ = text_.size() >= longest_head;
    }
    return taken;
}

std::variant<head, refusal> head_reader::take_request() {
    const head_reader got = std::exchange(*this, {});
    if (!got.done_) return refusal{431};
    return parse_request(got.text_);
}

std::variant<head, refusal> head_reader::take_response() {
    const head_reader got = std::exchange(*this, {});
    if (!got.done_) return refusal{431};
    return parse_response(got.text_);
}

body_reader::body_reader(framing how) : at_{part::endless} {
    if (const auto* length = std::get_if<std::uint64_t>(&how)) {
        left_ = *length;
        at_ = left_ == 0 ? part::end : part::text;
    } else if (std::holds_alternative<chunked>(how)) {
        at_ = part::size_line;
    }
}

body_reader::piece body_reader::feed(octets in) {
    piece got;
    for (; got.skip < in.size(); ++got.skip) {
        if (at_ == part::end || at_ == part::bad) return got;
        if (at_ == part::text || at_ == part::chunk || at_ == part::endless) {
            got.text = in.size() - got.skip;
            if (at_ == part::endless) return got;
            got.text = static_cast<std::size_t>(std::min<std::uint64_t>(got.text, left_));
            left_ -= got.text;
            if (left_ == 0) at_ = at_ == part::text ? part::end : part::chunk_end;
            return got;
        }
        const char c = static_cast<char>(in[got.skip]);
        if (c == '\n') {
            take_line();
        } else if (line_.size() < longest_line) {
            line_.push_back(c);
        } else {
            at_ = part::bad;
        }
    }
    return got;
}

void body_reader::take_line() {
    if (line_.ends_with('\r')) line_.pop_back();
    const std::string line = std::exchange(line_, {});
    if (at_ == part::chunk_end) {
        at_ = line.empty() ? part::size_line : part::bad;
    } else if (at_ == part::trailer) {
        if (line.empty()) at_ = part::end;
    } else {
        const auto size = number(trimmed(std::string_view{line}.substr(0, line.find(';'))), 16);
        left_ = size.value_or(0);
        at_ = !size ? part::bad : *size == 0 ? part::trailer : part::chunk;
    }
}

std::string_view reason(int status) {
    switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Status";
    }
}

std::optional<std::string> path_of(std::string_view target) {
    target = target.substr(0, target.find_first_of("?#"));
    if (!target.starts_with('/')) return std::nullopt;
    std::string path;
    for (std::size_t i = 0; i < target.size(); ++i) {
        if (target[i] != '%') {
            path.push_back(target[i]);
            continue;
        }
        const auto code = i + 2 < target.size() ? number(target.substr(i + 1, 2), 16) : std::nullopt;
        if (!code || *code == 0) return std::nullopt;
        path.push_back(static_cast<char>(*code));
        i += 2;
    }
    return path;
}

}  // namespace tun::http
