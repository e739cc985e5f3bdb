// SPDX-License-Identifier: MIT
// theorems_test.cpp: the other files of this folder hold nothing but static_asserts.

#include <support/catch.hpp>

TEST_CASE("the theorems were compiled, so they hold", "[theorems]") { SUCCEED(); }
