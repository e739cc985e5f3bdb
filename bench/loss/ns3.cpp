// SPDX-License-Identifier: MIT
// ns3.cpp: the models of ns-3 on the paths of the grid, as far as both have them. C++17, since its headers are.
#include <ns3/applications-module.h>
#include <ns3/core-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>
#include <ns3/point-to-point-module.h>
#include <ns3/traffic-control-module.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace {

struct path {
    const char* name;  ///< of the four, or "grid"
    unsigned rtt_ms, rate_mbit, loss_ppm;
    std::uint64_t queue;
    double seconds;
};

/// The share of the link's rate that one endless transfer delivers.
double fraction(const std::string& model, const path& p, unsigned seed) {
    using namespace ns3;
    RngSeedManager::SetSeed(1);
    RngSeedManager::SetRun(seed);
    const auto rate = std::to_string(p.rate_mbit) + "Mbps";
    const std::uint64_t buffer =
        std::max<std::uint64_t>(2 * (p.queue + std::uint64_t{p.rate_mbit} * p.rtt_ms * 125), 4U << 20U);
    Config::SetDefault("ns3::TcpL4Protocol::SocketType", TypeIdValue(TypeId::LookupByName("ns3::" + model)));
    // As on our side: 1448 octets of text beside timestamps, ten segments to begin with, an RTO of 200 ms at least.
    Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(1448));
    Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
    Config::SetDefault("ns3::TcpSocketBase::MinRto", TimeValue(MilliSeconds(200)));
    Config::SetDefault("ns3::TcpSocket::DelAckTimeout", TimeValue(MilliSeconds(40)));
    Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(static_cast<std::uint32_t>(buffer)));
    Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(static_cast<std::uint32_t>(buffer)));

    // A fast wire to a router, and the bottleneck behind it: ns-3's BBR gets stuck where its own device is the
    // bottleneck.
    NodeContainer nodes;
    nodes.Create(3);
    PointToPointHelper edge, wire;
    edge.SetDeviceAttribute("DataRate", StringValue(std::to_string(10 * p.rate_mbit) + "Mbps"));
    edge.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue("1000000p"));
    wire.SetDeviceAttribute("DataRate", StringValue(rate));
    wire.SetChannelAttribute("Delay", TimeValue(MicroSeconds(p.rtt_ms * 500)));
    wire.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue(std::to_string(p.queue) + "B"));
    const NetDeviceContainer first = edge.Install(nodes.Get(0), nodes.Get(1));
    const NetDeviceContainer second = wire.Install(nodes.Get(1), nodes.Get(2));
    auto errors = CreateObject<RateErrorModel>();
    errors->SetUnit(RateErrorModel::ERROR_UNIT_PACKET);
    errors->SetRate(p.loss_ppm / 1e6);
    second.Get(1)->SetAttribute("ReceiveErrorModel", PointerValue(errors));
    InternetStackHelper{}.Install(nodes);
    Ipv4AddressHelper{"10.1.1.0", "255.255.255.0"}.Assign(first);
    const auto ends = Ipv4AddressHelper{"10.1.2.0", "255.255.255.0"}.Assign(second);
    Ipv4GlobalRoutingHelper::PopulateRoutingTables();
    TrafficControlHelper{}.Uninstall(first);  // nothing waits but in the devices' queues
    TrafficControlHelper{}.Uninstall(second);

    BulkSendHelper source{"ns3::TcpSocketFactory", InetSocketAddress(ends.GetAddress(1), 9)};
    source.SetAttribute("MaxBytes", UintegerValue(0));
    source.SetAttribute("SendSize", UintegerValue(14480));
    source.Install(nodes.Get(0)).Start(Seconds(0));
    PacketSinkHelper sink{"ns3::TcpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), 9)};
    const auto sinks = sink.Install(nodes.Get(2));
    Simulator::Stop(Seconds(p.seconds));
    Simulator::Run();
    const double octets = static_cast<double>(DynamicCast<PacketSink>(sinks.Get(0))->GetTotalRx());
    Simulator::Destroy();
    return octets * 8 / p.seconds / (p.rate_mbit * 1e6);
}

constexpr const char* help =
    "bench_loss_ns3: ns-3's TCPs over the paths of the grid without lateness, up to 100 Mbit/s; one line of CSV a run\n"
    "  --quick           round trips of 20 and 100 ms, one seed instead of three\n"
    "  --out <file>      where the CSV of the grid goes (standard output)\n"
    "  --four <file>     where the CSV of the paths that are compared with kernels goes (nowhere)\n";

}  // namespace

int main(int argc, char** argv) {
    bool quick = false;
    std::string out, four;
    for (int i = 1; i < argc; ++i) {
        const std::string arg = argv[i];
        if (arg == "--quick") {
            quick = true;
        } else if ((arg == "--out" || arg == "--four") && i + 1 < argc) {
            (arg == "--out" ? out : four) = argv[++i];
        } else {
            std::fputs(help, arg == "--help" ? stdout : stderr);
            return arg == "--help" ? 0 : 2;
        }
    }
    std::vector<path> paths;
    for (const unsigned rtt : {1U, 20U, 100U, 300U}) {
        if (quick && (rtt == 1 || rtt == 300)) continue;
        for (const unsigned rate : {10U, 100U}) {
            for (const unsigned loss : {0U, 100U, 1000U, 10'000U, 50'000U}) {
                const std::uint64_t bdp = std::uint64_t{rate} * rtt * 125;
                paths.push_back({"grid", rtt, rate, loss, std::max<std::uint64_t>(bdp, 32 * 1500), 10 + rtt / 10.0});
            }
        }
    }
    if (!four.empty()) {
        for (const auto& [name, loss] : {std::pair{"clean", 0U}, {"loss1", 10'000U}, {"loss5", 50'000U}})
            paths.push_back({name, 20, 100, loss, 256 * 1024, 10});
    }
    std::FILE* grid = out.empty() ? stdout : std::fopen(out.c_str(), "w");
    std::FILE* compared = four.empty() ? nullptr : std::fopen(four.c_str(), "w");
    if (grid == nullptr || (compared == nullptr && !four.empty())) {
        std::fprintf(stderr, "cannot write %s or %s\n", out.c_str(), four.c_str());
        return 2;
    }
    std::fprintf(grid, "control,rtt_ms,rate_mbit,loss_ppm,seed,fraction\n");
    if (compared != nullptr) std::fprintf(compared, "who,path,run,fraction\n");
    std::size_t done = 0;
    for (const path& p : paths) {
        const bool grids = p.name == std::string{"grid"};
        for (const char* model : {"TcpLinuxReno", "TcpCubic", "TcpBbr"}) {
            // Its BBR stays at a few percent on many paths, lossy or not. That says nothing about BBR.
            if (!grids && model == std::string{"TcpBbr"}) continue;
            for (unsigned seed = 1; seed <= (quick ? 1U : 3U); ++seed) {
                const double share = fraction(model, p, seed);
                if (grids) {
                    std::fprintf(grid, "%s,%u,%u,%u,%u,%.5f\n", model, p.rtt_ms, p.rate_mbit, p.loss_ppm, seed, share);
                } else {
                    std::fprintf(compared, "ns-3 %s,%s,%u,%.5f\n", model, p.name, seed, share);
                }
            }
        }
        std::fprintf(stderr, "ns-3: %zu of %zu paths\n", ++done, paths.size());
    }
    if (grid != stdout) std::fclose(grid);
    if (compared != nullptr) std::fclose(compared);
}
