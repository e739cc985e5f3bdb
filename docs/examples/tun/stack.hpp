// SPDX-License-Identifier: MIT
// stack.hpp: a TCP host on a TUN device, driven by Asio.
#pragma once

#include "capture.hpp"
#include "impairment.hpp"
#include "settings.hpp"
#include "tun_device.hpp"

#include <tcpfsm/host.hpp>

#include <asio.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tun {

/// What this program chooses otherwise than the library.
struct policies : tcpfsm::policies {
    /// One second is the RFC's minimum (RFC 6298 2.4), 200 ms that of the kernels that we talk to. On a link without
    /// delay every loss that duplicate ACKs do not tell of costs that time.
    static constexpr tcpfsm::rto_limits rto{std::chrono::seconds{1}, std::chrono::milliseconds{200},
                                            std::chrono::seconds{60}};
    /// TIME-WAIT of one minute, as kernels have it.
    static constexpr tcpfsm::duration msl = std::chrono::seconds{30};
    /// Enough gaps for the reordering of `--reorder`.
    static constexpr std::size_t reassembly_ranges = 32;
};
using host = tcpfsm::basic_host<policies>;

class stack;

/// One connection, as an application sees it. Nothing blocks: what cannot be done yet is done in a later turn.
class flow {
public:
    flow(stack& net, tcpfsm::handle h) : net_{&net}, handle_{h} {}

    /// Text that has arrived; read it where it lies, then `consume`.
    [[nodiscard]] std::span<const std::uint8_t> peek() const;
    void consume(std::size_t n);
    /// Room for text to send; write it there, then `commit`.
    [[nodiscard]] std::span<std::uint8_t> reserve();
    void commit(std::size_t n);
    /// The peer has closed, and everything was read.
    [[nodiscard]] bool at_end() const;
    /// No more text from here.
    void close();
    /// A reset instead of an orderly end.
    void abort();

    /// A number that no other connection has as long as this one is there.
    [[nodiscard]] std::uint32_t slot() const { return handle_.place; }
    [[nodiscard]] tcpfsm::handle handle() const { return handle_; }

private:
    stack* net_;
    tcpfsm::handle handle_;
};

/// What is done with the connections.
class application {
public:
    virtual ~application() = default;
    /// A connection is established.
    virtual void opened(flow& tcp) = 0;
    /// Text has arrived, there is room for more, or the peer has closed.
    virtual void turn(flow& tcp) = 0;
    /// The connection is gone; `why` is the library's word for it.
    virtual void ended(flow& tcp, std::string_view why) = 0;
    /// The user wants the program to end: call `leave` when ready.
    virtual void stop() = 0;
};

/// The host, its link and its clock.
class stack {
public:
    explicit stack(const settings& s);
    ~stack();

    /// Runs until `leave`, and answers its code.
    int run(application& app);
    /// `run` ends with this code as soon as no connection is left, and in any case soon.
    void leave(int code);

    void listen(std::uint16_t port);
    void unlisten();
    /// Throws a `std::runtime_error` that says why it is impossible.
    void connect(const tcpfsm::endpoint& server);
    [[nodiscard]] std::map<std::uint32_t, flow>& flows() { return flows_; }

    [[nodiscard]] static tcpfsm::time_point now();

private:
    friend flow;
    class memory;

    void turn();
    bool read_some();
    bool write_some();
    void react();
    void react(const tcpfsm::host_event& told);
    void end(std::uint32_t slot, std::string_view why);
    void wait_for_packets();
    void wait_for_time();
    void wait_for_signals();
    void receive(std::span<const std::uint8_t> packet);
    void transmit(std::span<const std::uint8_t> packet);
    void print_stats();
    static bool is_ours(void* self, const tcpfsm::ip_address& address);

    std::vector<tcpfsm::ip_address> addresses_;
    bool wants_stats_;
    bool asks_for_ecn_;
    tun_device device_;
    capture capture_;
    impaired_link in_, out_;
    std::unique_ptr<memory> memory_;
    tun::host host_;
    application* app_ = nullptr;
    std::map<std::uint32_t, flow> flows_;
    std::optional<tcpfsm::listener_id> listener_;
    std::vector<std::uint8_t> packet_;

    asio::io_context io_{1};
    asio::posix::stream_descriptor readable_{io_};
    asio::steady_timer timer_{io_};
    asio::steady_timer grace_{io_};
    asio::signal_set signals_{io_, SIGINT, SIGTERM, SIGUSR1};
    tcpfsm::time_point armed_ = tcpfsm::never;
    bool leaving_ = false;
    int code_ = 0;
    std::uint64_t opened_ = 0, malformed_ = 0, bad_sums_ = 0;
};

/// 192.0.2.1:80 or [2001:db8::1]:80
[[nodiscard]] std::string text_of(const tcpfsm::endpoint& e);

}  // namespace tun
