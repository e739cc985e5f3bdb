// SPDX-License-Identifier: MIT
// table.cpp: writes what docs/ says about the table, from the rows.
//   generate_docs <folder>            table.md, state-machine.dot, state-machine.mermaid
//   generate_docs --style <in> <out>  Graphviz's SVG, with colours for a dark background as well

#include "book.hpp"
#include "diagram.hpp"

#include <fstream>
#include <sstream>

namespace {

bool write(const std::string& path, const std::string& text) {
    std::ofstream file{path, std::ios::binary};
    file << text;
    return static_cast<bool>(file.flush());
}

constexpr std::string_view style = R"(<style>
  @media (prefers-color-scheme: dark) {
    svg > .graph > polygon { fill: #0d1117; }
    .state path, .synchronized path { fill: #1e293b; stroke: #94a3b8; }
    .state text, .synchronized text { fill: #f1f5f9; }
    .edge text, .legend text { fill: #cbd5e1; }
    .client path { stroke: #34d399; }  .client > g > polygon, .client > polygon { stroke: #34d399; fill: #34d399; }
    .server path { stroke: #60a5fa; }  .server > g > polygon, .server > polygon { stroke: #60a5fa; fill: #60a5fa; }
    .other path { stroke: #94a3b8; }   .other > g > polygon, .other > polygon { stroke: #94a3b8; fill: #94a3b8; }
    .legend text[fill="#047857"] { fill: #34d399; }
    .legend text[fill="#1d4ed8"] { fill: #60a5fa; }
  }
</style>
)";

bool restyle(const char* in, const char* out) {
    std::ifstream file{in, std::ios::binary};
    std::stringstream text;
    text << file.rdbuf();
    std::string svg = text.str();
    const auto begin = svg.find("<g id=\"graph0\"");
    if (begin == std::string::npos) return false;
    svg.insert(begin, style);
    return write(out, svg);
}

}  // namespace

int main(int count, char** values) {
    const std::vector<std::string> given(values + 1, values + count);
    if (given.size() == 3 && given[0] == "--style") return restyle(values[2], values[3]) ? 0 : 1;
    if (given.size() != 1) return 2;
    const bool written = write(given[0] + "/table.md", docs::book()) &&
                         write(given[0] + "/state-machine.dot", docs::graphviz()) &&
                         write(given[0] + "/state-machine.mermaid", docs::mermaid());
    return written ? 0 : 1;
}
