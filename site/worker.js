// Browsers start no worker for a page that was opened as a file; there the search runs in a hidden frame.
if (location.protocol === "file:") {
  window.Worker = class {
    constructor(address) {
      this.frame = document.body.appendChild(document.createElement("iframe"));
      this.frame.hidden = true;
      this.inside = this.frame.contentWindow;
      this.inside.postMessage = data => this.onmessage?.({ data: structuredClone(data) });
      this.inside.importScripts = async (...addresses) => {
        for (const each of addresses) await this.load(each);
      };
      this.ready = this.load(address);
    }

    load(address) {
      return new Promise((done, failed) => {
        const script = this.inside.document.createElement("script");
        Object.assign(script, { src: address, onload: done, onerror: failed });
        this.inside.document.body.append(script);
      });
    }

    async postMessage(data) {
      await this.ready;
      this.inside.dispatchEvent(new this.inside.MessageEvent("message", { data: this.inside.structuredClone(data) }));
    }

    terminate() {
      this.frame.remove();
    }
  };
}

// Of what the search finds, guides come before the reference.
const LATE = /(?:^|\/)(?:reference\/|changelog|style)/;
window.Worker = class extends Worker {
  postMessage(message) {
    if (message.type === 0) this.late = message.data.items.map(({ location }) => LATE.test(location));
    super.postMessage(message);
  }

  set onmessage(hear) {
    super.onmessage = hear && (({ data }) => {
      data.data?.items?.sort((one, other) => this.late[one.id] - this.late[other.id]);
      hear({ data });
    });
  }
};
