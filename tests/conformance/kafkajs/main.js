// kafkajs under the conformance driver: `produce`, `checks` and `member`.
const fs = require('fs')
const path = require('path')
const { Kafka, logLevel } = require('kafkajs')
const checks = require('./checks')
const codecs = require('./codecs')
const member = require('./member')

const kafka = new Kafka({ clientId: 'conformance', brokers: [process.env.BOOTSTRAP], logLevel: logLevel.WARN })

function load(file) {
  const [header, ...records] = fs.readFileSync(file, 'utf8').trimEnd().split('\n').map(line => JSON.parse(line))
  return { ...header, records }
}

const bytes = text => (text === null ? null : Buffer.from(text, 'base64'))

function message(record) {
  const headers = {}
  for (const [name, content] of record.h) (headers[name] ||= []).push(bytes(content))
  return { partition: record.p, key: bytes(record.k), value: bytes(record.v), headers, timestamp: record.t === null ? undefined : String(record.t) }
}

// Splits the records into what is sent together: up to each flush, and at most so many at once.
function portions(records) {
  const out = [[]]
  for (const [index, record] of records.entries()) {
    out.at(-1).push({ index, record })
    if (record.flush || out.at(-1).length === 500) out.push([])
  }
  return out.filter(portion => portion.length > 0)
}

async function produce(folder) {
  const dir = path.join(folder, 'produce', 'kafkajs')
  const manifests = fs.readdirSync(dir).sort().map(name => load(path.join(dir, name)))
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    waitForLeaders: true,
    topics: manifests.map(({ topic, partitions, configs }) => ({
      topic,
      numPartitions: partitions,
      configEntries: Object.entries(configs).map(([name, value]) => ({ name, value })),
    })),
  })
  // Kafka may know a new topic before its partitions have a leader, and this client sends a whole request again when one of them has none.
  for (const { topic } of manifests) await checks.eventually(() => admin.fetchTopicOffsets(topic))
  await admin.disconnect()
  for (const manifest of manifests) await produceOne(folder, manifest)
}

async function produceOne(folder, { topic, codec, acks, idempotent, records }) {
  const producer = kafka.producer({ idempotent, maxInFlightRequests: 1 })
  await producer.connect()
  const lines = []
  const next = {}
  for (const portion of portions(records)) {
    const answers = await producer.send({
      topic,
      acks: acks === 'all' ? -1 : acks,
      compression: codecs.types[codec],
      messages: portion.map(({ record }) => message(record)),
    })
    for (const { partition, baseOffset } of answers) next[partition] = Number(baseOffset)
    for (const { index, record } of portion) {
      lines.push(JSON.stringify({ i: index, p: record.p, o: acks === 0 ? -1 : next[record.p]++ }))
    }
  }
  await producer.disconnect()
  fs.writeFileSync(path.join(folder, 'acks', `${topic}.jsonl`), lines.join('\n') + '\n')
}

async function main([verb, folder]) {
  await codecs.install()
  if (verb === 'produce') await produce(folder)
  else if (verb === 'checks') await checks.run(kafka)
  else if (verb === 'member') await member.run(kafka, folder)
  else throw new Error(`no verb ${verb}`)
}

main(process.argv.slice(2)).catch(error => {
  console.error(error)
  process.exit(1)
})
