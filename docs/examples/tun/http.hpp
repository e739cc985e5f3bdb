// SPDX-License-Identifier: MIT
// http.hpp: as much of HTTP/1.1 (RFC 9112) as it takes to move files. No I/O; every length is bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace tun::http {

using octets = std::span<const std::uint8_t>;

/// No head, and no line of a chunked body, may be longer.
inline constexpr std::size_t longest_head = 16 * 1024;
inline constexpr std::size_t longest_line = 256;

/// The end of a body: after so many octets, or in chunks, or where the connection ends.
struct until_close {};
struct chunked {};
using framing = std::variant<std::uint64_t, chunked, until_close>;

/// What a request or a response says before its body.
struct head {
    std::string method;  ///< of a request
    std::string target;  ///< of a request
    int status = 0;      ///< of a response
    framing body = std::uint64_t{0};
    bool keep_alive = true;  ///< the connection outlives this exchange
    bool expects_continue = false;
};

/// A status to answer with, instead of a head: 400, 431, 501 or 505.
struct refusal {
    int status;
};

/// Collects a head, piece by piece.
class head_reader {
public:
    /// Takes octets up to and including the empty line, and says how many.
    std::size_t feed(octets in);
    /// All of it is there, or it is too long to be.
    [[nodiscard]] bool done() const { return done_ || too_long_; }
    /// Something of it is there.
    [[nodiscard]] bool begun() const { return !text_.empty(); }
    /// What it says; the reader is then ready for the next one.
    std::variant<head, refusal> take_request();
    std::variant<head, refusal> take_response();

private:
    std::string text_;
    bool done_ = false;
    bool too_long_ = false;
};

/// Finds the text of a body between chunk sizes, and its end.
class body_reader {
public:
    explicit body_reader(framing how = std::uint64_t{0});
    /// What the next octets are: so many to skip, then so many of the body.
    struct piece {
        std::size_t skip = 0;
        std::size_t text = 0;
    };
    /// Call it again with what lies behind the piece; nothing to skip and no text means that more is needed.
    piece feed(octets in);
    [[nodiscard]] bool done() const { return at_ == part::end; }
    [[nodiscard]] bool bad() const { return at_ == part::bad; }
    /// The connection has ended; false if the body had not.
    bool end() {
        if (at_ == part::endless) at_ = part::end;
        return done();
    }

private:
    enum class part : std::uint8_t { text, size_line, chunk, chunk_end, trailer, endless, end, bad };
    void take_line();

    part at_;
    std::uint64_t left_ = 0;
    std::string line_;
};

/// "Not Found" for 404.
std::string_view reason(int status);
/// The path of a request target with its %-escapes resolved, without the query; nothing if it makes no sense.
std::optional<std::string> path_of(std::string_view target);

}  // namespace tun::http
