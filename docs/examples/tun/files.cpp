// SPDX-License-Identifier: MIT
#include "files.hpp"

#include <atomic>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tun {

file::~file() {
    if (fd_ >= 0) ::close(fd_);
}

std::size_t file::read(std::uint64_t offset, std::span<std::uint8_t> into) const {
    const ssize_t size = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
    return size < 0 ? 0 : static_cast<std::size_t>(size);
}

bool file::write(std::span<const std::uint8_t> from) const {
    while (!from.empty()) {
        const ssize_t size = ::write(fd_, from.data(), from.size());
        if (size < 0 && errno != EINTR) return false;
        if (size > 0) from = from.subspan(static_cast<std::size_t>(size));
    }
    return true;
}

directory::directory(const std::string& path) : root_{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)} {
    if (!root_) throw std::system_error{errno, std::generic_category(), "--root " + path};
}

std::pair<file, std::string> directory::walk(std::string_view path) const {
    file at{::openat(root_.native_handle(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!path.starts_with('/')) return {};
    while (at) {
        path.remove_prefix(1);
        const std::string name{path.substr(0, path.find('/'))};
        path.remove_prefix(name.size());
        // Names with a dot in front stay private; that covers "." and "..", too.
        if (name.empty() || name.starts_with('.') || name.find('\0') != name.npos) return {};
        if (path.empty()) return {std::move(at), name};
        at = file{::openat(at.native_handle(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    }
    return {};
}

std::optional<opened> directory::open(std::string_view path) const {
    const auto [folder, name] = walk(path);
    if (!folder) return std::nullopt;
    opened got{file{::openat(folder.native_handle(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)}, 0};
    struct stat about {};
    if (!got.handle || ::fstat(got.handle.native_handle(), &about) != 0 || !S_ISREG(about.st_mode)) return std::nullopt;
    got.size = static_cast<std::uint64_t>(about.st_size);
    return got;
}

upload directory::create(std::string_view path) const {
    auto [folder, name] = walk(path);
    if (!folder) return {};
    struct stat about {};
    const bool there = ::fstatat(folder.native_handle(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && !S_ISREG(about.st_mode)) return {};
    static std::atomic<unsigned> count{0};
    upload got;
    got.temporary_ = ".upload-" + std::to_string(::getpid()) + "-" + std::to_string(count++);
    got.name_ = std::move(name);
    got.to_ = file{::openat(folder.native_handle(), got.temporary_.c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
    if (got.to_) got.folder_ = std::move(folder);
    return got;
}

upload& upload::operator=(upload&& other) noexcept {
    std::swap(to_, other.to_);
    std::swap(folder_, other.folder_);
    std::swap(temporary_, other.temporary_);
    std::swap(name_, other.name_);
    return *this;
}

bool upload::finish() {
    const bool done =
        to_ && ::renameat(folder_.native_handle(), temporary_.c_str(), folder_.native_handle(), name_.c_str()) == 0;
    if (done) folder_ = {};
    drop();
    return done;
}

void upload::drop() {
    if (folder_) ::unlinkat(folder_.native_handle(), temporary_.c_str(), 0);
    folder_ = {};
    to_ = {};
}

}  // namespace tun
