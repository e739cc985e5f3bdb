// SPDX-License-Identifier: MIT
// main.cpp: one of two units that include all of the library.

#include <tcpfsm/tcpfsm.hpp>
#include <tcpfsm/version.hpp>

const std::string_view* version_of_other();  // in other.cpp

int main() {
    // What the headers define is one thing in the whole program.
    return version_of_other() == &tcpfsm::version ? 0 : 1;
}
