// SPDX-License-Identifier: MIT
// other.cpp: the other unit.

#include <tcpfsm/tcpfsm.hpp>
#include <tcpfsm/version.hpp>

const std::string_view* version_of_other();

const std::string_view* version_of_other() { return &tcpfsm::version; }
