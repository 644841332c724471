// What the Node.js peers share: the arguments, the worker processes, the clock and the two measurements.
//
//   --mode noop|sleep    what a job does: nothing, or wait 1 ms without holding the thread
//   --in-flight 256      jobs run at once, all worker processes together
//   --processes P        worker processes sharing them; each peer has its own default, the fastest of 1, 2 and 4
//   --measure throughput --jobs N            from the start of the first job to the last job completed in the database
//   --measure latency --rate R --seconds S   from the add of a job to its start, at R jobs/s in an open loop: every 5 ms
//                                            the jobs that are due, in one bulk add. One second more, not counted, warms up.
//
// DATABASE_URL names an empty database. One JSON line on standard output; exits with 1 when a job is left, failed or late.
import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'

const warmUpSeconds = 1
const limitSeconds = 120
const chunk = 10000
const now = () => performance.timeOrigin + performance.now() // ms since the epoch, with a fraction
const round = ms => Math.round(ms * 1000) / 1000

// peer: name (of the package), processes, left (SQL: are there unfinished jobs?), install(url), add(payloads), close(),
// and, in a worker process, work(url, inFlight, run), which starts working and returns a function that stops it.
export function bench (peer) {
  const url = process.env.DATABASE_URL
  return process.send ? worker(peer, url) : parent(peer, url)
}

async function parent (peer, url) {
  const option = value => ({ type: 'string', default: String(value) })
  const { values } = parseArgs({
    options: {
      mode: option('sleep'),
      measure: option('throughput'),
      jobs: option(10000),
      'in-flight': option(256),
      processes: option(peer.processes),
      rate: option(100),
      seconds: option(5)
    }
  })
  const { mode, measure } = values
  const [jobs, inFlight, processes, rate, seconds] =
    ['jobs', 'in-flight', 'processes', 'rate', 'seconds'].map(name => Number(values[name]))
  const late = setTimeout(() => { throw new Error(`${peer.name}: not done after ${limitSeconds} s`) }, limitSeconds * 1000)
  const { version } = JSON.parse(readFileSync(new URL(`node_modules/${peer.name}/package.json`, import.meta.url)))
  const db = new pg.Client({ connectionString: url })
  await db.connect()
  await peer.install(url)

  const workers = Array.from({ length: processes }, () => start({ mode, inFlight: Math.floor(inFlight / processes) }))
  await Promise.all(workers.map(w => w.loaded))
  const go = () => workers.forEach(w => w.process.send('go'))
  const ran = () => workers.reduce((sum, w) => sum + w.done, 0)
  // The time at which the database had no unfinished job any more. It is asked only once the handlers have all returned.
  const drained = async count => {
    while (ran() < count) await wait(10)
    for (;;) {
      const asked = now()
      if (!(await db.query(peer.left)).rows[0].left) return asked
      await wait(5)
    }
  }

  const result = { peer: peer.name, version, mode }
  if (measure === 'throughput') {
    for (let at = 0; at < jobs; at += chunk) {
      await peer.add(Array.from({ length: Math.min(chunk, jobs - at) }, (_, i) => ({ id: at + i })))
    }
    await db.query('vacuum analyze') // what autovacuum would have done by then
    go()
    const took = (await drained(jobs) - Math.min(...workers.map(w => w.first))) / 1000
    Object.assign(result, { jobs, seconds: round(took), jobs_per_second: Math.round(jobs / took) })
    await Promise.all(workers.map(w => w.stop()))
    if (ran() !== jobs) throw new Error(`${peer.name}: ${ran()} runs of ${jobs} jobs`)
  } else {
    go()
    await wait(1000) // running and idle
    const total = Math.round(rate * (warmUpSeconds + seconds))
    const adds = []
    const begin = now()
    for (let sent = 0; sent < total; await wait(5)) {
      const add = now()
      const due = Math.min(total, Math.floor((add - begin) / 1000 * rate)) - sent
      if (due <= 0) continue
      const payload = (_, i) => ({ id: sent + i, add, counted: sent + i >= rate * warmUpSeconds })
      adds.push(peer.add(Array.from({ length: due }, payload))) // open loop: not waited for
      sent += due
    }
    await Promise.all(adds)
    await drained(total)
    const latencies = Float64Array.from((await Promise.all(workers.map(w => w.stop()))).flat()).sort()
    const at = share => round(latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))])
    Object.assign(result, { rate, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1), jobs: latencies.length })
  }
  await peer.close()
  await db.end()
  clearTimeout(late)
  console.log(JSON.stringify(result))
}

// The parent's side of a worker process.
function start (task) {
  const child = fork(process.argv[1])
  const w = { process: child, done: 0, first: Infinity }
  const word = name => new Promise(resolve => child.on('message', m => { if (m[name]) resolve(m[name]) }))
  const latencies = word('latencies')
  w.loaded = word('loaded')
  w.stop = () => { child.send('stop'); return latencies }
  child.on('message', m => { if (m.done) Object.assign(w, m) })
  child.on('exit', code => { if (code !== 0) throw new Error(`a worker process ended with ${code}`) })
  process.on('exit', () => child.kill())
  child.send(task)
  return w
}

// A worker process: says that it has loaded, runs jobs from 'go' to 'stop', and tells how many it has run.
function worker (peer, url) {
  let task, stop, first
  let done = 0
  let told = 0
  const latencies = []
  const run = async payload => {
    const started = now()
    first ??= started
    if (payload.counted) latencies.push(started - payload.add)
    if (task.mode === 'sleep') await wait(1)
    done++
  }
  const tell = () => { if (done !== told) process.send({ done: told = done, first }) }
  setInterval(tell, 10)
  process.on('disconnect', () => process.exit(1))
  process.on('message', async message => {
    if (message === 'go') {
      stop = await peer.work(url, task.inFlight, run)
    } else if (message === 'stop') {
      await stop()
      tell()
      process.send({ latencies }, () => process.exit(0))
    } else {
      task = message
      process.send({ loaded: true })
    }
  })
}
