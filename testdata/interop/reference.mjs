// The reference: the signaling server of the published package, as a program that takes PORT, HOST and MAX_CONNECTIONS
// from the environment and leaves on SIGTERM, which is what the interop test asks of any hub it starts.
import { PeerPigeonServer } from 'peerpigeon';

const { PORT, HOST = '127.0.0.1', MAX_CONNECTIONS = '1000' } = process.env;

const server = new PeerPigeonServer({
  port: Number(PORT),
  host: HOST,
  maxConnections: Number(MAX_CONNECTIONS),
  maxPortRetries: 0, // never move to another port behind the test's back
});

process.on('SIGTERM', async () => {
  await server.stop();
  process.exit(0);
});

await server.start();
