// SPDX-License-Identifier: MIT
// replay_driver.cxx: gives a fuzz target every file of the named files and folders, and nothing besides.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size);

namespace {

void replay(const std::filesystem::path& file) {
    std::ifstream in{file, std::ios::binary};
    const std::vector<char> read{std::istreambuf_iterator<char>{in}, {}};
    const std::vector<std::uint8_t> octets(read.begin(), read.end());
    std::printf("%s: %zu octets\n", file.c_str(), octets.size());
    std::fflush(stdout);  // so that the last line names the culprit
    LLVMFuzzerTestOneInput(octets.data(), octets.size());
}

}  // namespace

int main(int argc, char** argv) {
    LLVMFuzzerTestOneInput(nullptr, 0);
    for (int i = 1; i < argc; ++i) {
        const std::filesystem::path path{argv[i]};
        if (!std::filesystem::is_directory(path)) {
            replay(path);
            continue;
        }
        for (const auto& entry : std::filesystem::recursive_directory_iterator{path}) {
            if (entry.is_regular_file()) {
                replay(entry.path());
            }
        }
    }
}
