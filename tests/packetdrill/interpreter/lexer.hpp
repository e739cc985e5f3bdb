// SPDX-License-Identifier: MIT
// lexer.hpp: the letters of a script, as words with places.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tcpfsm::drill {

/// Where something stands in a script; both count from one.
struct place {
    int line = 1;
    int column = 1;
};

/// What is wrong with a script, or with what it met.
class failure : public std::runtime_error {
public:
    failure(place where, const std::string& what) : std::runtime_error{what}, at{where} {}
    place at;
};

/// A word of the notation.
struct token {
    enum class kind : std::uint8_t {
        end,
        integer,   ///< 17, 0x11
        decimal,   ///< .25
        word,      ///< SOCK_STREAM, S
        string,    ///< "...", without the quotes
        command,   ///< `...`, without the quotes
        code,      ///< %{ ... }%, what is between
        option,    ///< --name, without the dashes
        ellipsis,  ///< ...
        mark,      ///< one letter that is none of these
    };
    kind is = kind::end;
    std::string_view text;
    place at;

    [[nodiscard]] bool operator==(std::string_view s) const {
        return (is == kind::word || is == kind::mark) && text == s;
    }
};

/// Cuts a script into its words; comments (`//`, `#`, and between /* and */) are left out. The words point into
/// `text`. The last one is the end.
[[nodiscard]] std::vector<token> words_of(std::string_view text);

/// A line of the script, and under it a caret.
[[nodiscard]] std::string pointed_at(std::string_view text, place at);

}  // namespace tcpfsm::drill
