import type { models as Area } from '../en/models';

export const models: typeof Area = {
  model: {
    label: '模型',
    none: '没有模型',
    ready: '就绪',
    idle: '发送下一条消息时载入',
    loading: (percent) => `正在载入 ${percent}`,
    starting: '正在启动',
    restarting: '正在重启',
    failed: '未运行',
    missing: '文件缺失',
    stopped: '休眠中，需要时启动',
    starter: '入门',
    context: (n) => `上下文 ${n} 个词元`,
    add: '添加模型…',
    missingTitle: '这个模型的文件不见了',
    missingText: (name) => `“${name}”已被移走或删除。你的对话都在。请选择其他模型，或重新添加。`,
    noneTitle: '还没有安装模型',
    noneText: '请添加这台电脑上的 GGUF 文件或 MLX 文件夹。',
    choose: '选择模型',
  },
};
