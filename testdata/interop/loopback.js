// Runs before the published client and keeps it on this machine: no STUN server is asked for an address, and no
// microphone for permission. Everything else of the client stays as published.
window.DISABLE_LOCALHOST_MEDIA_REQUEST = true;
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(config) {
    super({ ...config, iceServers: [] });
  }
};
