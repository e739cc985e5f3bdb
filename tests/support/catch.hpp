// SPDX-License-Identifier: MIT
// catch.hpp: Catch2, version 2 or 3, and RapidCheck on top of it. Every test includes this one header.
#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <rapidcheck.h>
#include <rapidcheck/catch.h>
