// SPDX-License-Identifier: MIT
// arguments.hpp: options of a program: `--name value`, or `--name` alone.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

class arguments {
public:
    /// Ends the program if `--help` was asked for.
    arguments(int argc, char** argv, std::string_view help) : given_(argv + 1, argv + argc), help_{help} {
        if (flag("--help")) {
            std::fwrite(help_.data(), 1, help_.size(), stdout);
            std::exit(0);
        }
    }
    bool flag(std::string_view name) {
        for (auto i = given_.begin(); i != given_.end(); ++i) {
            if (*i != name) continue;
            given_.erase(i);
            return true;
        }
        return false;
    }
    std::string text(std::string_view name, std::string_view otherwise) {
        for (auto i = given_.begin(); i != given_.end(); ++i) {
            if (*i != name) continue;
            if (i + 1 == given_.end()) refuse(std::string{name} + " needs a value");
            const std::string value = i[1];
            given_.erase(i, i + 2);
            return value;
        }
        return std::string{otherwise};
    }
    double number(std::string_view name, double otherwise) {
        const std::string value = text(name, "");
        if (value.empty()) return otherwise;
        char* end = nullptr;
        const double n = std::strtod(value.c_str(), &end);
        if (*end != '\0' || !(n >= 0 && n <= 1e15)) refuse(std::string{name} + ": not a number: " + value);
        return n;
    }
    unsigned whole(std::string_view name, unsigned otherwise) { return static_cast<unsigned>(number(name, otherwise)); }
    /// Ends the program if something was given that nobody asked for.
    void finish() const {
        if (!given_.empty()) refuse("what is " + given_.front() + "?");
    }
    [[noreturn]] void refuse(const std::string& why) const {
        std::fprintf(stderr, "%s\n\n%.*s", why.c_str(), static_cast<int>(help_.size()), help_.data());
        std::exit(2);
    }

private:
    std::vector<std::string> given_;
    std::string_view help_;
};

}  // namespace bench
