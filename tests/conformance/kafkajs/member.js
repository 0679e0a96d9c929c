// One group member of kafkajs; what it prints is told in driver/membership.py.
const { PartitionAssigners } = require('kafkajs')

const assigners = { roundrobin: PartitionAssigners.roundRobin }

const say = (event, fields) => process.stdout.write(JSON.stringify({ t: Date.now(), e: event, ...fields }) + '\n')

// The partitions of the newest assignment: this client tells only whole assignments, and that a rebalance begins.
function follow(consumer, topic) {
  let owned = []
  const drop = event => {
    if (owned.length > 0) say(event, { p: owned })
    owned = []
  }
  consumer.on(consumer.events.REBALANCING, () => drop('revoked'))
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    drop('revoked')
    owned = [...(payload.memberAssignment[topic] || [])].sort((left, right) => left - right)
    say('assigned', { p: owned })
  })
  consumer.on(consumer.events.CRASH, () => drop('lost'))
  consumer.on(consumer.events.DISCONNECT, () => drop('revoked'))
}

async function eachBatch(consumer, { batch, heartbeat, isStale }) {
  if (isStale()) return
  const offsets = batch.messages.map(message => Number(message.offset))
  if (offsets.length === 0) return
  let first = offsets[0]
  for (const [index, offset] of offsets.entries()) {
    if (offsets[index + 1] === offset + 1) continue
    say('records', { p: batch.partition, f: first, l: offset })
    first = offsets[index + 1]
  }
  const next = offsets.at(-1) + 1
  try {
    await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset: String(next) }])
    say('committed', { o: { [batch.partition]: next } })
  } catch (error) {
    say('refused', { why: String(error) })
    throw error
  }
  await heartbeat()
}

exports.run = async (kafka, text) => {
  const { group, topic, assignor, session_ms: sessionTimeout, heartbeat_ms: heartbeatInterval } = JSON.parse(text)
  const retry = { initialRetryTime: 100, maxRetryTime: 500, retries: 60 }
  const consumer = kafka.consumer({ groupId: group, sessionTimeout, heartbeatInterval, maxWaitTimeInMs: 100, retry, partitionAssigners: [assigners[assignor]] })
  follow(consumer, topic)
  process.on('SIGTERM', async () => {
    await consumer.disconnect()
    say('closed')
    process.exit(0)
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: true, eachBatch: each => eachBatch(consumer, each) })
}
