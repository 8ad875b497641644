// One peer in one page, driven by the test: start it, let it speak, ask what it knows.
window.interop = (() => {
  const heard = []; // { from, content } of every message that came over a data channel
  const log = []; // what the client said about its own state, newest last
  let mesh = null;

  return {
    // start joins the network through the hub and returns the peer id.
    async start(hub, networkName) {
      mesh = new PeerPigeon.PeerPigeonMesh({
        networkName,
        maxPeers: 5, // the story has five peers, and they shall all be linked
        enableCrypto: false,
        enableWebDHT: false,
      });
      mesh.on('messageReceived', ({ from, content }) => {
        if (from !== mesh.peerId) heard.push({ from, content });
      });
      mesh.on('statusChanged', (status) => {
        log.push(`${Math.round(performance.now())}ms ${status.type} ${status.message ?? ''}`.trim());
        if (log.length > 60) log.shift();
      });
      await mesh.init();
      await mesh.connect(hub);
      return mesh.peerId;
    },

    // say broadcasts a text over the data channels.
    async say(text) {
      await mesh.sendMessage(text);
      return true;
    },

    // report is what this peer knows.
    report() {
      const peers = mesh.getPeers().map(({ peerId, status }) => ({ peerId, status }));
      return {
        peerId: mesh.peerId,
        connected: mesh.connected,
        discovered: mesh.getDiscoveredPeers().map(({ peerId }) => peerId),
        peers,
        heard,
        log,
      };
    },
  };
})();
