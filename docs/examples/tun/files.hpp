// SPDX-License-Identifier: MIT
// files.hpp: the files of one directory, and no others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tun {

/// A file descriptor that closes itself.
class file {
public:
    file() = default;
    explicit file(int fd) : fd_{fd} {}
    file(file&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    file& operator=(file&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~file();

    [[nodiscard]] int native_handle() const { return fd_; }
    [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
    /// Reads at `offset`; 0 at the end, or if it cannot be read.
    std::size_t read(std::uint64_t offset, std::span<std::uint8_t> into) const;
    /// Appends all of it, or says false.
    bool write(std::span<const std::uint8_t> from) const;

private:
    int fd_ = -1;
};

/// A file that was opened for reading.
struct opened {
    file handle;
    std::uint64_t size = 0;
};

class directory;

/// A file that is being written. It gets its name when it is complete, and vanishes if it never is.
class upload {
public:
    upload() = default;
    upload(upload&&) noexcept = default;
    upload& operator=(upload&& other) noexcept;
    ~upload() { drop(); }

    [[nodiscard]] explicit operator bool() const { return static_cast<bool>(to_); }
    bool write(std::span<const std::uint8_t> from) const { return to_.write(from); }
    /// True iff the file now stands under its name.
    bool finish();

private:
    friend directory;
    void drop();

    file to_;
    file folder_;
    std::string temporary_, name_;
};

/// A directory whose files are served. No path leads out of it: neither "..", nor a symbolic link.
class directory {
public:
    /// Throws a `std::system_error` if it cannot be opened.
    explicit directory(const std::string& path);

    /// The plain file at `path`, which begins with '/'.
    [[nodiscard]] std::optional<opened> open(std::string_view path) const;
    /// A place for what will be the file at `path`; its folder must exist.
    [[nodiscard]] upload create(std::string_view path) const;

private:
    /// The folder that `path` leads to, and the last name.
    [[nodiscard]] std::pair<file, std::string> walk(std::string_view path) const;

    file root_;
};

}  // namespace tun
