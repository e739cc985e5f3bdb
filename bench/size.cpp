// SPDX-License-Identifier: MIT
// size.cpp: what a connection weighs.

#include <tcpfsm/connection.hpp>

#include <cstdio>

int main() { std::printf("sizeof(tcpfsm::connection)   %5zu octets\n", sizeof(tcpfsm::connection)); }
