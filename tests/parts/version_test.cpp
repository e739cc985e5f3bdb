// SPDX-License-Identifier: MIT

#include <support/catch.hpp>

#include <tcpfsm/version.hpp>

#include <fmt/format.h>

TEST_CASE("the version is one and the same as text and as macros", "[version]") {
    CHECK(tcpfsm::version == fmt::format("{}.{}.{}", TCPFSM_VERSION_MAJOR, TCPFSM_VERSION_MINOR, TCPFSM_VERSION_PATCH));
}
