// SPDX-License-Identifier: MIT
// capture.hpp: every packet into a file for Wireshark.
#pragma once

#include <tcpfsm/pcap.hpp>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace tun {

/// A capture file, or nothing if it has no name.
class capture {
public:
    explicit capture(const std::string& path) {
        if (path.empty()) return;
        file_.reset(std::fopen(path.c_str(), "wb"));
        if (!file_) throw std::system_error{errno, std::generic_category(), "--pcap " + path};
        put(tcpfsm::pcap_header_size, [](auto to) { return tcpfsm::write_pcap_header(to); });
    }
    /// Adds a packet that went by at `now`.
    void add(std::span<const std::uint8_t> packet, tcpfsm::time_point now) {
        if (!file_) return;
        put(tcpfsm::pcap_packet_size(packet.size()),
            [&](auto to) { return tcpfsm::write_pcap_packet(to, packet, now + epoch_); });
    }
    /// What was added stands in the file.
    void flush() {
        if (file_) std::fflush(file_.get());
    }

private:
    template <class Write>
    void put(std::size_t size, Write write) {
        block_.resize(size);
        std::fwrite(block_.data(), 1, write(std::span{block_}), file_.get());
    }
    struct closer {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    /// From the clock of the stack to the calendar.
    static tcpfsm::duration since_1970() {
        using std::chrono::duration_cast;
        return duration_cast<tcpfsm::duration>(std::chrono::system_clock::now().time_since_epoch()) -
               duration_cast<tcpfsm::duration>(std::chrono::steady_clock::now().time_since_epoch());
    }

    std::unique_ptr<std::FILE, closer> file_;
    std::vector<std::uint8_t> block_;
    tcpfsm::duration epoch_ = since_1970();
};

}  // namespace tun
