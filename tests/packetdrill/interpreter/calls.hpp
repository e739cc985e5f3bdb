// SPDX-License-Identifier: MIT
// calls.hpp: the system calls of a script, made through packetdrill's interface.
#pragma once

#include "../interface.hpp"
#include "syntax.hpp"

#include <tcpfsm/address.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace tcpfsm::drill {

/// What `socket`, `bind` and `connect` mean by `...`.
struct addresses {
    int domain = 0;     ///< AF_INET or AF_INET6
    endpoint local{};   ///< of the stack
    endpoint remote{};  ///< of the script
};

/// A call that is ready to be made, from any thread, and to be looked at afterwards, by the thread of the script.
struct prepared_call {
    std::function<long()> make;
    /// Compares what came back through pointers; called with the result of `make` if that was as the script says.
    std::function<void(long)> compare = [](long) {};
    /// The call makes a descriptor: any number will do.
    bool makes_descriptor = false;
    std::optional<int> closes{};
    /// Who has connected, if the call is `accept`.
    std::function<std::optional<endpoint>()> peer = [] { return std::nullopt; };
};

/// Makes calls. It knows which descriptors of the stack those of the script stand for.
class caller {
public:
    caller(packetdrill_interface& stack, const addresses& known) : stack_{stack}, known_{known} {}

    /// Reads the arguments of a call; throws `failure` if they make no sense.
    [[nodiscard]] prepared_call prepare(const call_line& call, place at);
    /// The stack's number for a descriptor of the script.
    [[nodiscard]] int live(std::int64_t fd, place at) const;
    void remember(std::int64_t script_fd, long live_fd) { descriptors_[script_fd] = static_cast<int>(live_fd); }
    void forget(std::int64_t script_fd) { descriptors_.erase(script_fd); }
    [[nodiscard]] bool knows(std::int64_t script_fd) const { return descriptors_.count(script_fd) != 0; }

private:
    friend class reader;
    packetdrill_interface& stack_;
    const addresses& known_;
    std::map<std::int64_t, int> descriptors_;
};

/// The number that an expression of a script stands for.
[[nodiscard]] std::int64_t number_of(const expression& e);

}  // namespace tcpfsm::drill
