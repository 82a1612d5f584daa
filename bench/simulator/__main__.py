"""`python -m bench.simulator --port N`: the simulator as a process of its own."""

import argparse
import asyncio
import signal
import sys

from bench.simulator.simulator import Simulator


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=0, help="for the chances of faults and latencies")
    arguments = parser.parse_args()
    try:
        asyncio.run(serve(arguments.port, arguments.seed))
    except OSError as error:
        sys.exit(f"the simulator cannot listen on port {arguments.port}: {error.strerror}")


async def serve(port: int, seed: int) -> None:
    simulator = Simulator(seed)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, simulator.request_stop)
    await simulator.serve(port, ready=lambda: print(f"simulator ready at {simulator.url}", flush=True))


if __name__ == "__main__":
    main()
