export const models = {
  model: {
    label: 'Model',
    none: 'No model',
    ready: 'Ready',
    idle: 'Loads with the next message',
    loading: (percent: string) => `Loading ${percent}`,
    starting: 'Starting',
    restarting: 'Restarting',
    failed: 'Not running',
    missing: 'Files missing',
    stopped: 'Asleep until it is needed',
    starter: 'Starter',
    context: (n: string) => `${n} tokens of context`,
    add: 'Add a model…',
    missingTitle: 'This model’s files are gone',
    missingText: (name: string) =>
      `“${name}” was moved or deleted. Your chats are safe. Choose another model, or add it again.`,
    noneTitle: 'No model is installed',
    noneText: 'Add a GGUF file or an MLX folder that is on this computer.',
    choose: 'Choose a model',
  },
};
