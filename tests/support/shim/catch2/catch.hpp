// SPDX-License-Identifier: MIT
// catch.hpp: the name under which RapidCheck looks for Catch2, with Catch2 3 behind it.
#pragma once

#include <catch2/catch_all.hpp>
