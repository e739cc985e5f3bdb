// SPDX-License-Identifier: MIT
#include "lexer.hpp"

#include <algorithm>
#include <cctype>

namespace tcpfsm::drill {
namespace {

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

class cutter {
public:
    explicit cutter(std::string_view text) : rest_{text} {}

    std::vector<token> all() {
        std::vector<token> out;
        for (skip(); !rest_.empty(); skip()) out.push_back(next());
        out.push_back({token::kind::end, rest_, at_});
        return out;
    }

private:
    void skip() {
        while (!rest_.empty()) {
            if (std::isspace(static_cast<unsigned char>(rest_.front())) != 0) {
                take(1);
            } else if (rest_.front() == '#' || rest_.starts_with("//")) {
                take(std::min(rest_.find('\n'), rest_.size()));
            } else if (rest_.starts_with("/*")) {
                up_to("*/", 2, "this comment has no end");
            } else {
                return;
            }
        }
    }
    token next() {
        const place at = at_;
        const char c = rest_.front();
        const auto made = [&](token::kind is, std::string_view text) { return token{is, text, at}; };
        if (rest_.starts_with("...")) return made(token::kind::ellipsis, take(3));
        if (rest_.starts_with("%{")) return made(token::kind::code, up_to("}%", 2, "this code has no end: }%"));
        if (c == '"') return made(token::kind::string, up_to("\"", 1, "this string has no end"));
        if (c == '`') return made(token::kind::command, up_to("`", 1, "this command has no end"));
        if (rest_.starts_with("--") && rest_.size() > 2 && is_letter(rest_[2])) {
            take(2);
            return made(token::kind::option, take(run_of(0)));
        }
        if (is_digit(c) || (c == '.' && rest_.size() > 1 && is_digit(rest_[1]))) return number(at);
        if (is_letter(c)) return made(token::kind::word, take(run_of(0)));
        return made(token::kind::mark, take(1));
    }
    token number(place at) {
        const std::size_t whole = run_of(0);
        const bool plain = std::all_of(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(whole), is_digit);
        const bool fraction = plain && whole + 1 < rest_.size() && rest_[whole] == '.' && is_digit(rest_[whole + 1]);
        if (fraction) {
            std::size_t size = whole + 1;
            while (size < rest_.size() && is_digit(rest_[size])) ++size;
            return {token::kind::decimal, take(size), at};
        }
        const bool hex = rest_.starts_with("0x");
        return {plain || hex ? token::kind::integer : token::kind::word, take(whole), at};
    }
    [[nodiscard]] std::size_t run_of(std::size_t from) const {
        std::size_t size = from;
        while (size < rest_.size() && is_letter(rest_[size])) ++size;
        return size;
    }
    /// What stands between here plus `opening` letters and `closing`, which are taken, too.
    std::string_view up_to(std::string_view closing, std::size_t opening, const char* otherwise) {
        const std::size_t end = rest_.find(closing, opening);
        if (end == std::string_view::npos) throw failure{at_, otherwise};
        return take(end + closing.size()).substr(opening, end - opening);
    }
    std::string_view take(std::size_t size) {
        const std::string_view taken = rest_.substr(0, size);
        for (const char c : taken) {
            if (c == '\n') at_ = {at_.line + 1, 0};
            ++at_.column;
        }
        rest_.remove_prefix(size);
        return taken;
    }

    std::string_view rest_;
    place at_;
};

}  // namespace

std::vector<token> words_of(std::string_view text) { return cutter{text}.all(); }

std::string pointed_at(std::string_view text, place at) {
    for (int line = 1; line < at.line; ++line) text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
    const std::string_view line = text.substr(0, text.find('\n'));
    std::string out = "    " + std::string{line} + "\n    ";
    for (int i = 1; i < at.column; ++i) {
        const auto before = static_cast<std::size_t>(i - 1);
        out += before < line.size() && line[before] == '\t' ? '\t' : ' ';
    }
    return out + "^\n";
}

}  // namespace tcpfsm::drill
