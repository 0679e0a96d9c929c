// What kafkajs' admin client and producer ask of a broker beyond plain producing.
const assert = require('assert')
const { ConfigResourceTypes } = require('kafkajs')

const TIMES = [1000, 2000, 3000, 9000, 4000, 5000, 6000, 6000, 7000, 8000]

async function check(name, run) {
  try {
    await run()
    console.log(`pass ${name}`)
  } catch (error) {
    console.log(`fail ${name}: ${String(error.message || error).replaceAll('\n', ' ')}`)
    console.error(error)
  }
}

// Kafka answers admin requests before all of it knows: repeats until it holds.
async function eventually(run) {
  const until = Date.now() + 20000
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if (Date.now() > until) throw error
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

async function refused(run, type) {
  try {
    await run()
  } catch (error) {
    const errors = [error, ...(error.errors || []), error.cause].filter(Boolean)
    if (errors.some(each => each.type === type || String(each.message).includes(type))) return
    throw new Error(`refused with ${error.type} ${error.message}, wanted ${type}`)
  }
  throw new Error(`accepted, wanted ${type}`)
}

class Broker {
  constructor(admin, producer) {
    Object.assign(this, { admin, producer })
  }

  async topic(name, partitions = 1, configs = {}) {
    const topic = `kafkajs.check.${name}`
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    await this.admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }], waitForLeaders: true })
    return topic
  }

  async filled(name) {
    const topic = await this.topic(name)
    for (const [index, time] of TIMES.entries()) {
      await this.producer.send({ topic, messages: [{ value: Buffer.from([index]), partition: 0, timestamp: String(time) }] })
    }
    return topic
  }

  async config(topic, name) {
    const { resources } = await this.admin.describeConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }] })
    return resources[0].configEntries.find(entry => entry.configName === name).configValue
  }
}

async function topicChecks(self) {
  const { admin } = self
  await check('create, list and describe topic', async () => {
    const name = await self.topic('created', 4)
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] })
    assert.deepStrictEqual(topics[0].partitions.map(p => p.partitionId).sort(), [0, 1, 2, 3])
    assert((await admin.listTopics()).includes(name))
  })
  await check('create existing topic is told', async () => {
    const name = await self.topic('twice')
    assert.strictEqual(await admin.createTopics({ topics: [{ topic: name }] }), false)
  })
  await check('create topic with a bad name is refused', () =>
    refused(() => admin.createTopics({ topics: [{ topic: 'no/slash' }] }), 'INVALID_TOPIC_EXCEPTION'))
  await check('create topic with a bad config is refused', () => {
    const bad = { topic: 'kafkajs.bad', configEntries: [{ name: 'retention.ms', value: 'soon' }] }
    return refused(() => admin.createTopics({ topics: [bad] }), 'INVALID_CONFIG')
  })
  await check('create partitions', async () => {
    const name = await self.topic('grown', 2)
    await admin.createPartitions({ topicPartitions: [{ topic: name, count: 6 }] })
    await eventually(async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [name] })
      assert.strictEqual(topics[0].partitions.length, 6)
    })
  })
  await check('delete topic', async () => {
    const name = await self.topic('deleted')
    await admin.deleteTopics({ topics: [name] })
    await eventually(async () => assert(!(await admin.listTopics()).includes(name)))
  })
  await check('describe and alter configs', async () => {
    const name = await self.topic('configs', 1, { 'max.message.bytes': '2000000' })
    assert.strictEqual(await self.config(name, 'max.message.bytes'), '2000000')
    const configEntries = [{ name: 'retention.ms', value: '777777' }]
    await admin.alterConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name, configEntries }] })
    await eventually(async () => assert.strictEqual(await self.config(name, 'retention.ms'), '777777'))
    await eventually(async () => assert.strictEqual(await self.config(name, 'max.message.bytes'), '1048588'))
  })
  await check('describe cluster', async () => {
    const { brokers, clusterId } = await admin.describeCluster()
    assert.strictEqual(`${brokers[0].host}:${brokers[0].port}`, process.env.BOOTSTRAP)
    assert(clusterId.length > 0)
  })
}

async function recordChecks(self) {
  const { admin, producer } = self
  await check('offsets of a topic', async () => {
    const topic = await self.filled('offsets')
    assert.deepStrictEqual(await admin.fetchTopicOffsets(topic), [{ partition: 0, offset: '10', high: '10', low: '0' }])
  })
  await check('offsets by time', async () => {
    const topic = await self.filled('times')
    for (const [time, offset] of [[0, '0'], [1001, '1'], [3500, '3'], [9000, '3'], [9001, '10']]) {
      assert.deepStrictEqual(await admin.fetchTopicOffsetsByTimestamp(topic, time), [{ partition: 0, offset }])
    }
  })
  await check('delete records', async () => {
    const topic = await self.filled('trimmed')
    // The client only finds leaders of topics that it has asked about before.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] })
    assert.strictEqual((await admin.fetchTopicOffsets(topic))[0].low, '4')
  })
  await check('producing to an unknown topic creates it', async () => {
    const answers = await producer.send({ topic: 'kafkajs.check.auto-created', messages: [{ value: 'v' }] })
    assert.strictEqual(answers[0].baseOffset, '0')
  })
  await check('record over max.message.bytes is refused', async () => {
    const topic = await self.topic('too-large', 1, { 'max.message.bytes': '1000' })
    await refused(() => producer.send({ topic, messages: [{ value: 'x'.repeat(2000) }] }), 'MESSAGE_TOO_LARGE')
  })
}

exports.eventually = eventually

exports.run = async kafka => {
  const admin = kafka.admin()
  const producer = kafka.producer({ allowAutoTopicCreation: true })
  await admin.connect()
  await producer.connect()
  const broker = new Broker(admin, producer)
  await topicChecks(broker)
  await recordChecks(broker)
  await producer.disconnect()
  await admin.disconnect()
}
