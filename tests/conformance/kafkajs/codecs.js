// The codecs that kafkajs leaves to its users: snappy, lz4, zstd.
const { CompressionCodecs, CompressionTypes } = require('kafkajs')
const lz4 = require('lz4-napi')
const snappy = require('snappyjs')
const zstd = require('@bokuweb/zstd-wasm')

function unread() {
  throw new Error('this adapter only produces')
}

exports.install = async () => {
  await zstd.init()
  CompressionCodecs[CompressionTypes.Snappy] = () => ({ compress: async encoder => snappy.compress(encoder.buffer), decompress: unread })
  CompressionCodecs[CompressionTypes.LZ4] = () => ({ compress: async encoder => lz4.compressFrame(encoder.buffer), decompress: unread })
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({ compress: async encoder => Buffer.from(zstd.compress(encoder.buffer, 3)), decompress: unread })
}

exports.types = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}
