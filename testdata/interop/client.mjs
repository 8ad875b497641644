// The published SignalingClient under Node against one hub: node client.mjs ws://127.0.0.1:PORT
// Prints a line for each thing that holds, and leaves with status 1 at the first that does not.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';

const hub = process.argv[2];
const patience = 15_000; // longest wait for anything, in milliseconds

// Node 20 has no WebSocket of its own. This one remembers every frame as it came, so that payloads can be compared byte
// for byte, and how the connection ended, which the client keeps to itself.
const frames = new Map(); // peer id -> texts
const endings = new Map(); // peer id -> { code, reason } of each connection
const note = (map, id, what) => map.set(id, [...(map.get(id) ?? []), what]);

globalThis.WebSocket = class extends WebSocket {
  constructor(url) {
    super(url);
    const id = new URL(url).searchParams.get('peerId');
    this.on('message', (data) => note(frames, id, data.toString()));
    this.on('close', (code, reason) => note(endings, id, { code, reason: reason.toString() }));
  }
};
const { SignalingClient } = await import('peerpigeon');

// until waits for a condition and says what was there instead when it never came.
async function until(what, condition, seen = () => '') {
  const deadline = Date.now() + patience;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `${what}: not within ${patience} ms; seen: ${JSON.stringify(seen())}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

class Peer {
  constructor(name, networkName = 'global', id = randomBytes(20).toString('hex')) {
    Object.assign(this, { name, id, got: [] });
    this.client = new SignalingClient(id, 3, networkName === 'global' ? null : { networkName });
    this.client.on('signalingMessage', (message) => this.got.push(message));
  }

  async join() {
    await this.client.connect(hub);
    return this;
  }

  has(type, match) {
    return this.got.some((message) => message.type === type && match(message));
  }

  async sees(type, match, what) {
    await until(`${this.name} sees ${what}`, () => this.has(type, match), () => this.got);
  }

  knows(other) {
    return this.sees('peer-discovered', (m) => m.data.peerId === other.id, `${other.name} discovered`);
  }
}

const done = (what) => console.log(`ok   ${what}`);

async function discovery(alice, bob, carol, stranger) {
  for (const peer of [alice, bob, carol, stranger]) await peer.join();
  for (const one of [alice, bob, carol]) {
    for (const other of [alice, bob, carol]) if (one !== other) await one.knows(other);
  }
  done('three clients announce and discover each other, both directions');
}

// Payloads as the published client makes them, and one that only comes through whole if nobody rewrites it.
const payloads = {
  offer: { type: 'offer', sdp: 'v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns=-\r\na=ice-ufrag:Ab/+\r\n' },
  answer: { type: 'answer', sdp: 'v=0\r\ns=-\r\na=note:<>&\u2028é😀"\\/\r\n', nested: { z: [1, { y: null }], a: 0.5 } },
  'ice-candidate': {
    candidate: 'candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host generation 0',
    sdpMid: '0', sdpMLineIndex: 0, usernameFragment: 'Ab/+',
  },
};

async function relay(from, to) {
  for (const [type, data] of Object.entries(payloads)) {
    await from.client.sendSignalingMessage({ type, data, targetPeerId: to.id });
    await to.sees(type, (m) => m.fromPeerId === from.id, `${type} from ${from.name}`);
    const text = frames.get(to.id).findLast((frame) => frame.startsWith(`{"type":"${type}"`));
    assert.ok(text.includes(`"data":${JSON.stringify(data)},`), `${type}: payload changed on the way: ${text}`);
    const message = to.got.findLast((m) => m.type === type);
    assert.equal(message.targetPeerId, to.id);
    assert.ok(Math.abs(message.timestamp - Date.now()) < 60_000, `${type}: timestamp ${message.timestamp}`);
  }
  done(`offer, answer and ice-candidate from ${from.name} to ${to.name}, payloads byte for byte`);
}

async function isolation(alice, bob, stranger) {
  await stranger.client.sendSignalingMessage({ type: 'offer', data: payloads.offer, targetPeerId: alice.id });
  const mark = { type: 'answer', sdp: 'a mark sent after the stranger\'s offer' };
  // The stranger's own next reply proves that the hub has dealt with the offer before the mark is sent.
  stranger.client.websocket.send('{"type":"ping"}');
  await until('stranger gets a pong', () => frames.get(stranger.id).some((f) => f.startsWith('{"type":"pong"')));
  await bob.client.sendSignalingMessage({ type: 'answer', data: mark, targetPeerId: alice.id });
  await alice.sees('answer', (m) => m.data.sdp === mark.sdp, 'the mark');
  assert.ok(!alice.has('offer', (m) => m.fromPeerId === stranger.id), 'an offer crossed networks');
  const told = frames.get(stranger.id).filter((frame) => !/^\{"type":"(connected|pong)"/.test(frame));
  assert.deepEqual(told, [], 'the stranger was told of others');
  done('a client in another network neither sees the others nor reaches them');
}

async function duplicate(alice) {
  const twin = new Peer('twin of alice', 'global', alice.id);
  const before = endings.get(alice.id)?.length ?? 0;
  await twin.join();
  await until('the twin is refused', () => (endings.get(alice.id)?.length ?? 0) > before);
  twin.client.disconnect(); // before it tries again
  assert.deepEqual(endings.get(alice.id).at(-1), { code: 1008, reason: 'Peer already connected' });
  assert.ok(alice.client.isConnected(), 'the first holder of the id was thrown out');
  done('a second client with the same id is refused: 1008 Peer already connected');
}

async function reconnect(alice, bob) {
  alice.got.length = 0;
  await bob.client.sendSignalingMessage({ type: 'cleanup', data: { padding: 'x'.repeat(2 ** 20) } });
  await until('bob is closed', () => endings.has(bob.id));
  assert.deepEqual(endings.get(bob.id)[0], { code: 1009, reason: '' });
  await alice.knows(bob);
  await until('bob is connected again', () => bob.client.isConnected(), () => bob.client.getConnectionStats());
  done('after a close by the hub (1009, message too big) the client reconnects by itself and is discovered again');
}

async function goodbye(alice, carol) {
  carol.client.sendGoodbyeMessage();
  await alice.sees('goodbye', (m) => m.fromPeerId === carol.id, 'goodbye of carol');
  await alice.sees('peer-disconnected', (m) => m.data.peerId === carol.id, 'carol gone');
  carol.client.disconnect();
  done('goodbye is delivered, and peer-disconnected after it');
}

const alice = new Peer('alice');
const bob = new Peer('bob');
const carol = new Peer('carol');
const stranger = new Peer('stranger', 'elsewhere');

try {
  await discovery(alice, bob, carol, stranger);
  await relay(alice, bob);
  await relay(bob, alice);
  await isolation(alice, bob, stranger);
  await duplicate(alice);
  await reconnect(alice, bob);
  await goodbye(alice, carol);
} catch (error) {
  console.log(`FAIL ${error.message}`);
  for (const peer of [alice, bob, carol, stranger]) {
    console.log(`     ${peer.name} ${peer.id} ${JSON.stringify(peer.client.getConnectionStats())}`);
    for (const frame of (frames.get(peer.id) ?? []).slice(-20)) console.log(`       <- ${frame.slice(0, 300)}`);
    for (const end of endings.get(peer.id) ?? []) console.log(`       closed ${end.code} ${end.reason}`);
  }
  process.exit(1);
}
for (const peer of [alice, bob, stranger]) peer.client.disconnect();
process.exit(0);
