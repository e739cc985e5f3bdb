// SPDX-License-Identifier: MIT
// poisoned_new.cpp: whoever asks for memory ends the program.

#include <cstddef>
#include <cstdlib>
#include <new>

void* operator new(std::size_t) { std::abort(); }
void* operator new[](std::size_t) { std::abort(); }
void* operator new(std::size_t, std::align_val_t) { std::abort(); }
void* operator new[](std::size_t, std::align_val_t) { std::abort(); }
void* operator new(std::size_t, const std::nothrow_t&) noexcept { std::abort(); }
void* operator new[](std::size_t, const std::nothrow_t&) noexcept { std::abort(); }
void operator delete(void*) noexcept {}
void operator delete[](void*) noexcept {}
void operator delete(void*, std::size_t) noexcept {}
void operator delete[](void*, std::size_t) noexcept {}
void operator delete(void*, std::align_val_t) noexcept {}
void operator delete[](void*, std::align_val_t) noexcept {}
