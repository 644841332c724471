"""procrastinate, with the interface of bench.mjs (its arguments, its measurements, its JSON line)."""

import argparse
import asyncio
import importlib.metadata
import json
import logging
import multiprocessing
import os
import signal
import sys
import time

import procrastinate
import psycopg
import psycopg_pool

URL = os.environ["DATABASE_URL"]
WARM_UP_SECONDS = 1
LIMIT_SECONDS = 120
CHUNK = 10000
LEFT = "select exists (select from procrastinate_jobs)"  # delete_jobs="always": a completed job is deleted

logging.getLogger("procrastinate").setLevel(logging.ERROR)


def now():
    return time.time() * 1000


def application(job):
    app = procrastinate.App(connector=procrastinate.PsycopgConnector())
    return app, app.task(name="bench", queue="bench")(job)


async def open_pool(connections):
    """Page "Use an external pool instead of the connectors default pool". Ours commits each statement by itself and does not
    check a connection before each use, which saves three round trips of four: 1.7 times the throughput."""

    async def configure(connection):
        await connection.set_autocommit(True)

    pool = psycopg_pool.AsyncConnectionPool(URL, min_size=1, max_size=connections, configure=configure, open=False)
    await pool.open(wait=True)
    return pool


def worker(mode, in_flight, go, stop, done, first, pipe):
    """A worker process: runs jobs from go to stop, then sends the latencies."""
    latencies = []

    async def job(id, add=None, counted=False):
        started = now()
        if not first.value:
            first.value = started
        if counted:
            latencies.append(started - add)
        if mode == "sleep":
            await asyncio.sleep(0.001)
        done.value += 1

    async def main():
        app, _ = application(job)
        # Page "Discussions", section "Mind the size of your PostgreSQL pool": concurrency + 1 connections for short jobs, but many
        # factors to take into account. On two cores twelve are as fast, faster when the machine is loaded, and start jobs sooner.
        async with await open_pool(min(in_flight + 1, 12)) as pool, app.open_async(pool):
            await asyncio.get_running_loop().run_in_executor(None, go.wait)
            # Page "Execute multiple jobs at the same time": sub-workers in each process. Page "Delete finished jobs" for
            # delete_jobs; no slower, and the table stays small. listen_notify is on by default.
            working = asyncio.create_task(
                app.run_worker_async(concurrency=in_flight, delete_jobs="always", install_signal_handlers=False)
            )
            while not (stop.is_set() or working.done()):
                await asyncio.sleep(0.02)
            working.cancel()
            await asyncio.wait([working])

    asyncio.run(main())
    pipe.send(latencies)


async def measure(args, workers, go, task, db):
    late = time.monotonic() + LIMIT_SECONDS

    def ran():
        return sum(w["done"].value for w in workers)

    async def drained(count):
        """The time at which the database had no unfinished job any more."""
        while True:
            asked = now()
            if ran() >= count and not db.execute(LEFT).fetchone()[0]:
                return asked
            if any(w["process"].exitcode is not None for w in workers) or time.monotonic() > late:
                sys.exit(f"procrastinate: {ran()} of {count} jobs run in time")
            await asyncio.sleep(0.005)

    if args.measure == "throughput":
        for at in range(0, args.jobs, CHUNK):
            # Page "Batch defer multiple jobs".
            await task.batch_defer_async(*({"id": id} for id in range(at, min(at + CHUNK, args.jobs))))
        db.execute("vacuum analyze")  # what autovacuum would have done by then
        go.set()
        end = await drained(args.jobs)
        took = (end - min(w["first"].value for w in workers if w["first"].value)) / 1000
        if ran() != args.jobs:
            sys.exit(f"procrastinate: {ran()} runs of {args.jobs} jobs")
        return {"jobs": args.jobs, "seconds": round(took, 3), "jobs_per_second": round(args.jobs / took)}

    go.set()
    await asyncio.sleep(2)  # running and idle
    total, sent, adds, begin = round(args.rate * (WARM_UP_SECONDS + args.seconds)), 0, [], now()
    while sent < total:
        add = now()
        due = min(total, int((add - begin) / 1000 * args.rate))
        if due > sent:
            ids = range(sent, due)
            jobs = [{"id": id, "add": add, "counted": id >= args.rate * WARM_UP_SECONDS} for id in ids]
            adds.append(asyncio.create_task(task.batch_defer_async(*jobs)))  # open loop: not waited for
            sent = due
        await asyncio.sleep(0.005)
    await asyncio.gather(*adds)
    await drained(total)
    return {"rate": args.rate}


async def parent(args):
    context = multiprocessing.get_context("spawn")
    go, stop = context.Event(), context.Event()
    workers = []
    for _ in range(args.processes):
        pipe, theirs = context.Pipe(duplex=False)
        done, first = context.Value("q", 0, lock=False), context.Value("d", 0, lock=False)
        task_args = (args.mode, args.in_flight // args.processes, go, stop, done, first, theirs)
        process = context.Process(target=worker, args=task_args, daemon=True)
        process.start()
        workers.append({"process": process, "done": done, "first": first, "pipe": pipe})

    async def job(id, add=None, counted=False):
        pass

    app, task = application(job)
    with psycopg.connect(URL, autocommit=True) as db:
        async with await open_pool(10) as pool, app.open_async(pool):
            await app.schema_manager.apply_schema_async()
            result = await measure(args, workers, go, task, db)
    stop.set()
    latencies = sorted(ms for w in workers for ms in w["pipe"].recv())
    for w in workers:
        w["process"].join()
    if args.measure == "latency":
        at = lambda share: round(latencies[min(len(latencies) - 1, int(share * len(latencies)))], 3)
        result |= {"p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1), "jobs": len(latencies)}
    version = importlib.metadata.version("procrastinate")
    print(json.dumps({"peer": "procrastinate", "version": version, "mode": args.mode, **result}))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exit ends the worker processes too
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=["noop", "sleep"], default="sleep")
    parser.add_argument("--measure", choices=["throughput", "latency"], default="throughput")
    parser.add_argument("--jobs", type=int, default=4000)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--processes", type=int, default=4)  # the fastest of 1, 2 and 4 on two cores; 8 is no faster
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--seconds", type=float, default=5)
    asyncio.run(parent(parser.parse_args()))
