// pg-boss, with the settings of its documentation's page "Workers".
import { PgBoss } from 'pg-boss'
import { bench } from './bench.mjs'

const queue = 'bench'
let boss

async function open (url, options) {
  const opened = new PgBoss({ connectionString: url, ...options })
  opened.on('error', console.error)
  await opened.start()
  return opened
}

await bench({
  name: 'pg-boss',
  processes: 2,
  left: `select exists (select from pgboss.job where name = '${queue}' and state <> 'completed') as left`,
  async install (url) {
    boss = await open(url, { supervise: false, schedule: false }) // this process only adds
    // Page "Queues": the standard policy, the one without conditions to check. "Workers", section "Low-latency dispatch with
    // LISTEN/NOTIFY": wakes the workers at once; it costs nothing measurable in throughput.
    await boss.createQueue(queue, { notify: true })
  },
  // Page "Jobs": insert() is the bulk add.
  add: payloads => boss.insert(queue, payloads.map(data => ({ data }))),
  close: () => boss.stop(),
  async work (url, inFlight, job) {
    const worker = await open(url, { useListenNotify: true })
    // "Workers": batchSize fetches and completes that many jobs at once, burstWhenBatchFull fetches again without delay.
    // One worker a process (localConcurrency 1) with the whole share as its batch was faster than more with smaller batches.
    await worker.work(queue, { batchSize: inFlight, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 },
      jobs => Promise.all(jobs.map(({ data }) => job(data))))
    return () => worker.stop()
  }
})
