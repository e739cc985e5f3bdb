// SPDX-License-Identifier: MIT
// pch.cpp: the unit for which the precompiled header of all tests is made.
